//===- TeamQueueTest.cpp - Work of several threads on one team ------------===//

#include "marimba/ThreadTeam.h"

#include "marimba/abi.h"
#include "gtest/gtest.h"
#include <sched.h>

#include <atomic>
#include <barrier>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace marimba::rt;

namespace {

/// Runs `body` on `count` threads and waits for them.
template <typename Body> void onThreads(int count, Body body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&, i] { body(i); });
  for (std::thread &thread : threads)
    thread.join();
}

int cpusOfThisThread() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : -1;
}

TEST(TeamQueue, TeamsTakeTurns) {
  std::atomic<int> inside = 0, most = 0, done = 0;
  onThreads(4, [&](int) {
    for (int i = 0; i < 50; ++i)
      onTeam(2, [&] {
        int now = ++inside;
        if (now > most)
          most = now;
        ++done;
        --inside;
      });
  });
  EXPECT_EQ(most, 1);
  EXPECT_EQ(done, 200);
}

TEST(TeamQueue, WorkOfSeveralThreadsHasOneTeam) {
  // libgomp numbers threads by team: the same leader means the same team.
  std::vector<std::thread::id> leaders(4);
  onThreads(4, [&](int i) {
    for (int round = 0; round < 2; ++round)
      onTeam(2, [&] { leaders[i] = std::this_thread::get_id(); });
  });
  for (std::thread::id leader : leaders)
    EXPECT_EQ(leader, leaders.front());
}

TEST(TeamQueue, TeamsOfOneRunAtOnce) {
  // Each waits for the other: one after the other they would never end.
  std::barrier together(2);
  onThreads(2, [&](int) { onTeam(1, [&] { together.arrive_and_wait(); }); });
}

TEST(TeamQueue, WorkInsideWorkRunsAtOnce) {
  onThreads(2, [&](int) {
    int order = 0;
    onTeam(2, [&] {
      onTeam(2, [&] { EXPECT_EQ(order++, 0); });
      EXPECT_EQ(order++, 1);
    });
    EXPECT_EQ(order, 2);
  });
}

TEST(TeamQueue, LongWorkHearsOfOthers) {
  EXPECT_FALSE(isTeamWanted());
  std::barrier begun(2);
  int order = 0;
  onThreads(2, [&](int i) {
    if (i == 1)
      begun.arrive_and_wait();
    onTeam(2, [&] {
      if (i == 1) {
        EXPECT_EQ(order++, 1);
        return;
      }
      EXPECT_FALSE(isTeamWanted());
      begun.arrive_and_wait();
      while (!isTeamWanted())
        std::this_thread::yield();
      EXPECT_EQ(order++, 0);
    });
  });
  EXPECT_FALSE(isTeamWanted());
}

TEST(TeamQueue, ExceptionsComeBack) {
  onThreads(3, [&](int i) {
    try {
      onTeam(2, [&] { throw std::runtime_error(std::to_string(i)); });
      ADD_FAILURE();
    } catch (const std::runtime_error &error) {
      EXPECT_EQ(error.what(), std::to_string(i));
    }
    bool ran = false;
    onTeam(2, [&] { ran = true; });
    EXPECT_TRUE(ran);
  });
}

TEST(TeamQueue, CallersKeepTheirCpus) {
  // A thread begins with the cpus of the one that made it, which a test before
  // may have bound.
  std::thread([] {
    cpu_set_t every;
    std::memset(&every, 0xff, sizeof(every));
    ASSERT_EQ(sched_setaffinity(0, sizeof(every), &every), 0);
    int all = cpusOfThisThread();
    onThreads(2, [&](int) {
      onTeam(2, [] {});
      EXPECT_EQ(cpusOfThisThread(), all);
    });
  }).join();
}

TEST(TeamQueue, LoopsOfTheWorkUseTheTeam) {
  if (allowedCpus() < 2)
    GTEST_SKIP() << "one cpu";
  MarimbaContext context = {};
  context.abiVersion = MARIMBA_ABI_VERSION;
  context.threads = 2;
  onThreads(2, [&](int) {
    // A body that waits for the other half needs two threads.
    std::barrier halves(2);
    onTeam(2, [&] {
      marimba_parallel_for(
          &context, 2, 1,
          [](void *data, int64_t, int64_t) {
            static_cast<std::barrier<> *>(data)->arrive_and_wait();
          },
          &halves);
    });
  });
}

} // namespace
