//===- NotFiniteTest.cpp - Where numbers stop being numbers ---------------===//

#include "marimba/NotFinite.h"
#include "marimba/Tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

using namespace marimba::rt;

static constexpr float inf = std::numeric_limits<float>::infinity();
static constexpr float nan_ = std::numeric_limits<float>::quiet_NaN();

TEST(NotFiniteTest, LogitsAtEveryPlace) {
  for (size_t size = 1; size < 70; ++size)
    for (size_t at = 0; at < size; ++at) {
      std::vector<float> logits(size, -3.5f);
      EXPECT_EQ(logitsProblem(logits), "");
      logits[at] = nan_;
      EXPECT_EQ(logitsProblem(logits), "NaN") << size << " " << at;
      logits[at] = -nan_;
      EXPECT_EQ(logitsProblem(logits), "NaN");
      logits[at] = inf;
      EXPECT_EQ(logitsProblem(logits), "inf");
      logits[at] = std::numeric_limits<float>::max();
      EXPECT_EQ(logitsProblem(logits), "");
      logits[at] = -inf;
      EXPECT_EQ(logitsProblem(logits), size > 1 ? "" : "-inf alone");
    }
}

TEST(NotFiniteTest, LogitsOfMinusInfinity) {
  std::vector<float> logits(33, -inf);
  EXPECT_EQ(logitsProblem(logits), "-inf alone");
  logits[32] = 0;
  EXPECT_EQ(logitsProblem(logits), "");
  logits[5] = inf;
  logits[6] = nan_;
  EXPECT_EQ(logitsProblem(logits), "NaN");
  EXPECT_EQ(logitsProblem({}), "");
}

TEST(NotFiniteTest, TensorsOfEachType) {
  std::vector<float> floats(40000, 1.0f);
  MarimbaTensor tensor =
      makeTensor(floats.data(), MARIMBA_F32, std::vector<int64_t>{200, 200});
  EXPECT_FALSE(findNotFinite(tensor));
  floats[39999] = -inf;
  ASSERT_TRUE(findNotFinite(tensor));
  EXPECT_EQ(findNotFinite(tensor)->element, 39999);
  EXPECT_STREQ(findNotFinite(tensor)->text(), "-inf");
  floats[17000] = nan_;
  EXPECT_EQ(findNotFinite(tensor)->element, 17000);
  EXPECT_STREQ(findNotFinite(tensor)->text(), "NaN");

  // Largest number, infinity and NaN of either type of 16 bits.
  for (auto [dtype, most, infinite, none] :
       {std::tuple(MARIMBA_F16, 0x7bff, 0x7c00, 0xfe00),
        std::tuple(MARIMBA_BF16, 0x7f7f, 0x7f80, 0xffc0)}) {
    std::vector<uint16_t> halves(100, static_cast<uint16_t>(most));
    auto find = [&] { return findNotFinite(halves.data(), dtype, 100); };
    EXPECT_FALSE(find());
    halves[99] = static_cast<uint16_t>(infinite);
    ASSERT_TRUE(find());
    EXPECT_STREQ(find()->text(), "inf");
    halves[98] = static_cast<uint16_t>(none);
    EXPECT_EQ(find()->element, 98);
    EXPECT_STREQ(find()->text(), "NaN");
  }
  std::vector<int32_t> integers(4, -1);
  EXPECT_FALSE(findNotFinite(integers.data(), MARIMBA_I32, 4));
}

TEST(NotFiniteTest, ViewsWithRoomBetween) {
  // [2, 2, 3] of memory for [2, 4, 3]: what is not part of it does not count.
  std::vector<float> memory(24, nan_);
  MarimbaTensor view =
      makeTensor(memory.data(), MARIMBA_F32, std::vector<int64_t>{2, 4, 3});
  view.sizes[1] = 2;
  for (int64_t a = 0; a < 2; ++a)
    for (int64_t i = 0; i < 6; ++i)
      memory[static_cast<size_t>(a * 12 + i)] = 1;
  EXPECT_FALSE(findNotFinite(view));
  memory[12 + 4] = inf;
  ASSERT_TRUE(findNotFinite(view));
  EXPECT_EQ(findNotFinite(view)->element, 10);
}
