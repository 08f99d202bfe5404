//===- TeamTest.cpp - The thread team that is built in --------------------===//

#include "runtime/core/Team.h"
#include "runtime/core/LoopShares.h"

#include "marimba/ParallelRegions.h"
#include "marimba/abi.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

using namespace marimba::rt;

namespace {

/// What the members of one region saw.
struct Region {
  std::mutex mutex;
  std::vector<int> numbers, sizes;
  std::vector<std::thread::id> threads;
  bool inside = true;
};

void look(void *data) {
  Region &region = *static_cast<Region *>(data);
  std::lock_guard lock(region.mutex);
  region.numbers.push_back(team::threadNumber());
  region.sizes.push_back(team::teamSize());
  region.threads.push_back(std::this_thread::get_id());
  region.inside &= team::inside();
}

/// Runs a region of `size` and checks who took part.
void expectTeam(int size) {
  SCOPED_TRACE(size);
  Region region;
  team::run(size, look, &region);
  std::vector<int> expected(static_cast<size_t>(size));
  for (int i = 0; i < size; ++i)
    expected[static_cast<size_t>(i)] = i;
  for (size_t i = 0; i < region.numbers.size(); ++i)
    if (region.numbers[i] == 0)
      EXPECT_EQ(region.threads[i], std::this_thread::get_id());
  std::sort(region.numbers.begin(), region.numbers.end());
  EXPECT_EQ(region.numbers, expected);
  EXPECT_EQ(region.sizes, std::vector<int>(static_cast<size_t>(size), size));
  std::sort(region.threads.begin(), region.threads.end());
  EXPECT_EQ(std::unique(region.threads.begin(), region.threads.end()),
            region.threads.end());
  EXPECT_EQ(region.inside, size > 1);
  EXPECT_FALSE(team::inside());
  EXPECT_EQ(team::threadNumber(), 0);
  EXPECT_EQ(team::teamSize(), 1);
}

/// Runs a loop of `count` on threads of one team; who ran each iteration.
std::vector<int> shareLoop(int64_t count, int parts,
                           std::chrono::microseconds first,
                           std::chrono::microseconds others) {
  struct Work {
    LoopShares shares;
    std::vector<std::atomic<int>> ran;
    std::vector<int> by;
    std::chrono::microseconds first, others;
  } work{{count, parts},
         std::vector<std::atomic<int>>(size_t(count)),
         std::vector<int>(size_t(count), -1),
         first,
         others};
  team::run(
      parts,
      [](void *data) {
        Work &work = *static_cast<Work *>(data);
        int self = team::threadNumber();
        work.shares.run(
            self, team::teamSize(), [&](int64_t begin, int64_t end) {
              for (int64_t i = begin; i < end; ++i) {
                ++work.ran[size_t(i)];
                work.by[size_t(i)] = self;
                std::this_thread::sleep_for(self ? work.others : work.first);
              }
            });
      },
      &work);
  for (std::atomic<int> &times : work.ran)
    EXPECT_EQ(times, 1);
  return work.by;
}

TEST(LoopShares, EachIterationOnce) {
  using namespace std::chrono_literals;
  for (int64_t count : {1, 3, 4, 5, 31, 1000})
    shareLoop(count, int(std::min<int64_t>(count, 4)), 0us, 0us);
}

TEST(LoopShares, WhoIsDoneHelps) {
  using namespace std::chrono_literals;
  std::vector<int> by = shareLoop(32, 2, 20ms, 100us);
  EXPECT_EQ(by.front(), 0);
  EXPECT_EQ(by[15], 1);
}

TEST(Team, HasEachNumberOnce) {
  expectTeam(1);
  expectTeam(4);
}

TEST(Team, ChangesItsSize) {
  for (int size : {2, 4, 1, 3, 5, 2})
    expectTeam(size);
}

TEST(Team, WaitsForAllOfARegion) {
  // Plain integers: only what run() promises orders the writes.
  struct Sums {
    int values[3] = {};
  } sums;
  for (int round = 0; round < 200; ++round)
    team::run(
        3 - round % 2,
        [](void *data) {
          ++static_cast<Sums *>(data)->values[team::threadNumber()];
        },
        &sums);
  EXPECT_EQ(sums.values[0], 200);
  EXPECT_EQ(sums.values[1], 200);
  EXPECT_EQ(sums.values[2], 100);
}

TEST(Team, OfOneInsideOfAnother) {
  struct Seen {
    std::mutex mutex;
    Region inner;
    std::vector<int> after;
  } seen;
  team::run(
      2,
      [](void *data) {
        Seen &seen = *static_cast<Seen *>(data);
        team::run(1, look, &seen.inner);
        std::lock_guard lock(seen.mutex);
        seen.after.push_back(team::threadNumber());
      },
      &seen);
  EXPECT_EQ(seen.inner.numbers, std::vector<int>({0, 0}));
  EXPECT_EQ(seen.inner.sizes, std::vector<int>({1, 1}));
  EXPECT_TRUE(seen.inner.inside);
  std::sort(seen.after.begin(), seen.after.end());
  EXPECT_EQ(seen.after, std::vector<int>({0, 1}));
}

TEST(Team, ServesSeveralCallers) {
  // First one after the other, each ending with its team, then together.
  for (int size : {3, 2, 4})
    std::thread(expectTeam, size).join();
  std::vector<std::thread> callers;
  for (int size : {2, 3, 4})
    callers.emplace_back([size] {
      for (int round = 0; round < 50; ++round)
        expectTeam(size);
    });
  for (std::thread &caller : callers)
    caller.join();
}

TEST(Team, DefaultSizeIsTheCallersOwn) {
  std::thread([] {
    team::setDefaultSize(3);
    EXPECT_EQ(team::defaultSize(), 3);
    std::thread([] { team::setDefaultSize(5); }).join();
    EXPECT_EQ(team::defaultSize(), 3);
  }).join();
}

/// Regions that a loop of `count` steps begins on a team of `threads`.
int64_t regionsOf(int threads, int64_t count) {
  MarimbaContext context = {};
  context.abiVersion = MARIMBA_ABI_VERSION;
  context.threads = threads;
  int64_t before = parallelRegions();
  marimba_parallel_for(
      &context, count, 1, [](void *, int64_t, int64_t) {}, nullptr);
  return parallelRegions() - before;
}

TEST(Team, CountsRegionsThatFork) {
  EXPECT_EQ(regionsOf(2, 8), 1);
  EXPECT_EQ(regionsOf(1, 8), 0);
  // Too little for two, and nothing at all.
  EXPECT_EQ(regionsOf(2, 1), 0);
  EXPECT_EQ(regionsOf(2, 0), 0);
}

} // namespace
