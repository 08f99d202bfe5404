//===- StatePoolTest.cpp - Growth and memory of states --------------------===//

#include "runtime/core/StatePool.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace marimba::rt;

namespace {

/// 2 heads of 4 channels that grow, 3 values that do not.
std::unique_ptr<StatePool> makePool(int32_t slots, int64_t capacity) {
  ArgSpec keys, conv;
  keys.name = "keys";
  keys.shape = {-1, 2, -1, 4};
  conv.name = "conv";
  conv.shape = {-1, 3};
  std::string error;
  auto pool = StatePool::create({keys, conv}, slots, capacity, error);
  EXPECT_TRUE(pool) << error;
  return pool;
}

float &at(const MarimbaTensor &tensor, int64_t slot, int64_t head,
          int64_t token) {
  return static_cast<float *>(
      tensor.data)[slot * tensor.strides[0] + head * tensor.strides[1] +
                   token * tensor.strides[2]];
}

/// Bytes of a state that are memory by now.
int64_t residentBytes(const MarimbaTensor &tensor, int64_t bytes) {
  int64_t page = sysconf(_SC_PAGESIZE);
  std::vector<unsigned char> pages(static_cast<size_t>(bytes / page));
  EXPECT_EQ(mincore(tensor.data, pages.size() * page, pages.data()), 0);
  int64_t count = 0;
  for (unsigned char state : pages)
    count += state & 1;
  return count * page;
}

TEST(StatePool, GrowsAndKeepsWhatItHolds) {
  auto pool = makePool(/*slots=*/2, /*capacity=*/8);
  MarimbaTensor keys = pool->view(0, 0, 2);
  at(keys, 0, 1, 7) = 3;
  at(keys, 1, 1, 7) = 4;
  std::string error;
  ASSERT_TRUE(pool->reserve(9, std::vector<int64_t>{8, 8}, error)) << error;
  EXPECT_GE(pool->capacity(), 16);
  keys = pool->view(0, 0, 2);
  EXPECT_EQ(at(keys, 0, 1, 7), 3);
  EXPECT_EQ(at(keys, 1, 1, 7), 4);
  EXPECT_EQ(at(keys, 1, 1, 8), 0);
  EXPECT_EQ(pool->bytesPerToken(), 2 * 4 * 4);
  EXPECT_EQ(pool->fixedBytes(), 2 * 3 * 4);
}

TEST(StatePool, EmptiesOneSlot) {
  auto pool = makePool(/*slots=*/2, /*capacity=*/8);
  MarimbaTensor keys = pool->view(0, 0, 2), conv = pool->view(1, 0, 2);
  for (int64_t slot : {0, 1}) {
    static_cast<float *>(conv.data)[slot * 3 + 2] = 1;
    for (int64_t head : {0, 1})
      for (int64_t token : {0, 1, 2})
        at(keys, slot, head, token) = 1;
  }
  pool->reset(1, 3);
  for (int64_t head : {0, 1})
    for (int64_t token : {0, 1, 2}) {
      EXPECT_EQ(at(keys, 0, head, token), 1);
      EXPECT_EQ(at(keys, 1, head, token), 0);
    }
  EXPECT_EQ(static_cast<float *>(conv.data)[2], 1);
  EXPECT_EQ(static_cast<float *>(conv.data)[5], 0);
}

TEST(StatePool, RoomThatNobodyUsesIsNoMemory) {
  std::string error;
  auto pool = makePool(/*slots=*/1, /*capacity=*/64);
  constexpr int64_t tokens = int64_t(1) << 22, bytes = tokens * 2 * 4 * 4;
  ASSERT_TRUE(pool->reserve(tokens, std::vector<int64_t>{64}, error)) << error;
  ASSERT_EQ(pool->capacity(), tokens);
  MarimbaTensor keys = pool->view(0, 0, 1);
  // One large page a head at most.
  constexpr int64_t allowed = 2 * (int64_t(2) << 20);
  EXPECT_LE(residentBytes(keys, bytes), allowed);
  pool->reset(0, 64);
  EXPECT_LE(residentBytes(keys, bytes), allowed);
}

TEST(StatePool, SaysWhatItHasNoMemoryFor) {
  auto pool = makePool(/*slots=*/1, /*capacity=*/8);
  std::string error;
  EXPECT_FALSE(pool->reserve(int64_t(1) << 58, std::vector<int64_t>{0}, error));
  EXPECT_NE(error.find("no memory for the state 'keys'"), std::string::npos)
      << error;
  EXPECT_EQ(pool->capacity(), 8);
}

} // namespace
