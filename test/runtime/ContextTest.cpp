//===- ContextTest.cpp - The arena and the thread team --------------------===//

#include "marimba/Context.h"
#include "marimba/ThreadTeam.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

using namespace marimba::rt;

namespace {

std::unique_ptr<Context> makeContext(int threads, int64_t bytes = 1 << 20) {
  std::string error;
  auto context = Context::create(threads, nullptr, error, bytes);
  EXPECT_TRUE(context) << error;
  return context;
}

TEST(Check, FillsInValues) {
  auto context = makeContext(1);
  int64_t values[] = {-7, INT64_MAX};
  marimba_check_failed(context->get(), "{1} and {0}, {2} {x} {", values, 2);
  EXPECT_FALSE(context->ok());
  EXPECT_EQ(context->get()->status, MARIMBA_ERROR_CHECK);
  EXPECT_EQ(context->message(), "9223372036854775807 and -7, {2} {x} {");
  // The first one stays.
  marimba_check_failed(context->get(), "another", values, 0);
  EXPECT_EQ(context->message(), "9223372036854775807 and -7, {2} {x} {");
}

TEST(Arena, BumpsAlignedAndRestores) {
  auto context = makeContext(1);
  MarimbaContext *ctx = context->get();
  auto *a = static_cast<char *>(marimba_arena_alloc(ctx, 1));
  auto *b = static_cast<char *>(marimba_arena_alloc(ctx, 100));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a) % MARIMBA_ALIGNMENT, 0u);
  EXPECT_EQ(b - a, 64);
  EXPECT_EQ(ctx->arenaTop, 64 + 128);
  ctx->arenaTop = 64;
  EXPECT_EQ(marimba_arena_alloc(ctx, 0), b);
  EXPECT_EQ(ctx->arenaPeak, 192);
}

TEST(Arena, ExhaustionIsStickyAndBuffersStayApart) {
  auto context = makeContext(1);
  MarimbaContext *ctx = context->get();
  marimba_arena_alloc(ctx, ctx->arenaSize - 64);
  EXPECT_EQ(ctx->status, MARIMBA_OK);
  auto *a = static_cast<char *>(marimba_arena_alloc(ctx, 65));
  auto *b = static_cast<char *>(marimba_arena_alloc(ctx, 1 << 20));
  std::memset(a, 1, 65);
  std::memset(b, 2, 1 << 20);
  EXPECT_EQ(a[64], 1);
  EXPECT_TRUE(a < ctx->arenaBase || a >= ctx->arenaBase + ctx->arenaSize);
  EXPECT_EQ(ctx->status, MARIMBA_ERROR_ARENA);
  std::string message = context->message();
  EXPECT_NE(message.find("65 more were requested"), std::string::npos)
      << message;
  setError(ctx, MARIMBA_ERROR_LIBRARY, "later");
  EXPECT_EQ(context->message(), message);
  context->clear();
  EXPECT_TRUE(context->ok());
  EXPECT_EQ(ctx->arenaTop, 0);
}

TEST(ArenaDeathTest, MoreThanTheMachineCanAddress) {
  auto context = makeContext(1);
  EXPECT_DEATH(marimba_arena_alloc(context->get(), int64_t(1) << 62),
               "no memory for a scratch buffer");
}

TEST(Arena, DefaultSizeAndTrim) {
  auto context = makeContext(1, Context::kDefaultArenaBytes);
  MarimbaContext *ctx = context->get();
  EXPECT_GE(ctx->arenaSize, Context::kSmallestArenaBytes);
  auto *data = static_cast<char *>(marimba_arena_alloc(ctx, 1 << 20));
  std::memset(data, 7, 1 << 20);
  context->trim(4096);
  EXPECT_EQ(data[4095], 7);
  EXPECT_EQ(data[4096], 0);
  EXPECT_EQ(ctx->arenaPeak, 4096);
}

TEST(Arena, BadSizes) {
  std::string error;
  EXPECT_FALSE(Context::create(0, nullptr, error));
  EXPECT_NE(error.find("0 threads"), std::string::npos);
  EXPECT_FALSE(Context::create(1, nullptr, error, 0));
}

struct Ranges {
  std::mutex mutex;
  std::vector<std::pair<int64_t, int64_t>> all;
  std::vector<int> seen;
};

void record(void *closure, int64_t begin, int64_t end) {
  auto &ranges = *static_cast<Ranges *>(closure);
  std::lock_guard lock(ranges.mutex);
  ranges.all.push_back({begin, end});
  for (int64_t i = begin; i < end; ++i)
    ++ranges.seen[static_cast<size_t>(i)];
}

TEST(ParallelFor, CoversEachIndexOnceInRangesOfTheGrain) {
  for (int threads : {1, 2, 3, 8}) {
    auto context = makeContext(threads);
    bindThreads(threads);
    for (int64_t count : {0, 1, 2, 3, 5, 64, 1000})
      for (int64_t grain : {0, 1, 3, 64, 2000}) {
        Ranges ranges;
        ranges.seen.resize(static_cast<size_t>(count));
        marimba_parallel_for(context->get(), count, grain, record, &ranges);
        for (int seen : ranges.seen)
          ASSERT_EQ(seen, 1);
        if (grain <= 1) // threads take pieces, also those of others
          continue;
        EXPECT_LE(ranges.all.size(), static_cast<size_t>(threads));
        for (auto [begin, end] : ranges.all)
          EXPECT_GE(end - begin, std::min(grain, count));
      }
  }
}

TEST(ParallelFor, NestedRunsInline) {
  auto context = makeContext(2);
  bindThreads(2);
  struct Outer {
    MarimbaContext *ctx;
    std::atomic<int> total{0};
  } outer{context->get()};
  marimba_parallel_for(
      context->get(), 4, 1,
      [](void *closure, int64_t begin, int64_t end) {
        auto *outer = static_cast<Outer *>(closure);
        for (int64_t i = begin; i < end; ++i)
          marimba_parallel_for(
              outer->ctx, 10, 1,
              [](void *inner, int64_t from, int64_t to) {
                EXPECT_EQ(from, 0);
                EXPECT_EQ(to, 10);
                static_cast<Outer *>(inner)->total += int(to - from);
              },
              outer);
      },
      &outer);
  EXPECT_EQ(outer.total, 40);
}

/// A loop that notes how many iterations of loops before it were not done yet.
struct Step {
  std::atomic<int64_t> *done;
  int64_t before; // iterations of the loops in front of it
  std::atomic<int64_t> early{0};
  std::vector<std::atomic<int>> seen;

  Step(std::atomic<int64_t> *done, int64_t before, int64_t count)
      : done(done), before(before), seen(static_cast<size_t>(count)) {}

  static void run(void *closure, int64_t begin, int64_t end) {
    auto &step = *static_cast<Step *>(closure);
    for (int64_t i = begin; i < end; ++i) {
      if (*step.done < step.before)
        ++step.early;
      ++step.seen[static_cast<size_t>(i)];
    }
    *step.done += end - begin;
  }
};

TEST(ParallelPhases, RunEachAfterTheOneBefore) {
  for (int threads : {1, 2, 3, 8}) {
    auto context = makeContext(threads);
    bindThreads(threads);
    for (const std::vector<int64_t> &counts :
         std::vector<std::vector<int64_t>>{{},
                                           {5},
                                           {1, 1, 1},
                                           {0, 64, 0, 1, 1, 64, 1},
                                           {64, 0, 1, 1000, 2, 64},
                                           {1, 7, 1}}) {
      std::atomic<int64_t> done = 0;
      std::vector<std::unique_ptr<Step>> steps;
      std::vector<MarimbaPhase> phases;
      int64_t before = 0;
      for (int64_t count : counts) {
        steps.push_back(std::make_unique<Step>(&done, before, count));
        phases.push_back({count, Step::run, steps.back().get()});
        before += count;
      }
      marimba_parallel_phases(
          context->get(), static_cast<int64_t>(phases.size()), phases.data());
      EXPECT_EQ(done, before);
      for (const auto &step : steps) {
        EXPECT_EQ(step->early, 0);
        for (const std::atomic<int> &seen : step->seen)
          ASSERT_EQ(seen, 1);
      }
    }
  }
}

TEST(ParallelPhases, NestedRunInline) {
  auto context = makeContext(2);
  bindThreads(2);
  std::atomic<int64_t> done = 0;
  struct Outer {
    MarimbaContext *ctx;
    std::atomic<int64_t> *done;
  } outer{context->get(), &done};
  marimba_parallel_for(
      context->get(), 2, 1,
      [](void *closure, int64_t begin, int64_t end) {
        auto *outer = static_cast<Outer *>(closure);
        for (int64_t i = begin; i < end; ++i) {
          std::atomic<int64_t> own = 0;
          Step first(&own, 0, 10), second(&own, 10, 20);
          MarimbaPhase phases[] = {{10, Step::run, &first},
                                   {20, Step::run, &second}};
          marimba_parallel_phases(outer->ctx, 2, phases);
          EXPECT_EQ(second.early, 0);
          *outer->done += own;
        }
      },
      &outer);
  EXPECT_EQ(done, 60);
}

TEST(ThreadTeam, BindsWhereThereAreCpus) {
  if (allowedCpus() < 2)
    GTEST_SKIP() << "one cpu";
  auto context = makeContext(2);
  bindThreads(2);
  struct Seen {
    std::mutex mutex;
    std::vector<int> cpus;
    std::atomic<int> come = 0;
  } seen;
  marimba_parallel_for(
      context->get(), 2, 1,
      [](void *closure, int64_t, int64_t) {
        cpu_set_t set;
        pthread_getaffinity_np(pthread_self(), sizeof(set), &set);
        EXPECT_EQ(CPU_COUNT(&set), 1);
        auto *seen = static_cast<Seen *>(closure);
        {
          std::lock_guard lock(seen->mutex);
          for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
            if (CPU_ISSET(cpu, &set))
              seen->cpus.push_back(cpu);
        }
        // A part each: a fast thread would take both.
        ++seen->come;
        while (seen->come < 2)
          std::this_thread::yield();
      },
      &seen);
  ASSERT_EQ(seen.cpus.size(), 2u);
  EXPECT_NE(seen.cpus[0], seen.cpus[1]);
}

} // namespace

TEST(ContextTest, CodeIsLeftWhereMemoryEnds) {
  std::string error;
  auto context = Context::create(1, std::make_shared<PrimitiveCache>(), error,
                                 /*arenaBytes=*/1 << 20);
  ASSERT_TRUE(context) << error;
  static bool wentOn;
  wentOn = false;
  // More than any address space: not even memory beyond the arena.
  MarimbaEntry entry = [](MarimbaContext *ctx, const MarimbaCall *) -> int32_t {
    marimba_arena_alloc(ctx, int64_t(1) << 60);
    wentOn = true;
    return MARIMBA_OK;
  };
  context->clear();
  EXPECT_EQ(context->run(entry, {}), MARIMBA_ERROR_ARENA);
  EXPECT_FALSE(wentOn);
  EXPECT_FALSE(context->ok());
  EXPECT_NE(context->message().find("1152921504606846976 more"),
            std::string::npos);
  // The next call has all of it again.
  entry = [](MarimbaContext *ctx, const MarimbaCall *) -> int32_t {
    return marimba_arena_alloc(ctx, 64) ? 0 : 1;
  };
  context->clear();
  EXPECT_EQ(context->run(entry, {}), MARIMBA_OK);
  EXPECT_TRUE(context->ok());
}
