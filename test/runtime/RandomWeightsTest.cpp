//===- RandomWeightsTest.cpp - Weights from no file -----------------------===//

#include "marimba/RandomWeights.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

using namespace marimba::rt;

namespace {

/// Element `index` as f32.
float valueAt(const MarimbaTensor &tensor, int64_t index) {
  if (tensor.dtype == MARIMBA_F32)
    return static_cast<const float *>(tensor.data)[index];
  uint16_t bits = static_cast<const uint16_t *>(tensor.data)[index];
  if (tensor.dtype == MARIMBA_BF16)
    return std::bit_cast<float>(uint32_t(bits) << 16);
  int exponent = (bits >> 10) & 31;
  float fraction = static_cast<float>(bits & 1023) / 1024;
  float value = exponent == 0 ? std::ldexp(fraction, -14)
                              : std::ldexp(1 + fraction, exponent - 15);
  return bits & 0x8000 ? -value : value;
}

Description describe(MarimbaDType dtype) {
  Description description;
  auto add = [&](const char *name, std::vector<int64_t> shape) {
    WeightSpec spec;
    spec.name = name;
    spec.dtype = dtype;
    spec.shape = std::move(shape);
    description.weights.push_back(spec);
  };
  add("layers.0.mamba.A_log", {6, 5});
  add("layers.0.input_layernorm", {7});
  add("layers.0.mamba.D", {9});
  add("layers.0.mamba.dt_proj.bias", {64});
  add("layers.0.mamba.conv1d.bias", {64});
  add("layers.0.mamba.in_proj", {700, 300});
  add("empty", {0, 3});
  return description;
}

class RandomWeightsTest : public testing::TestWithParam<MarimbaDType> {};

TEST_P(RandomWeightsTest, ValuesAreSane) {
  std::string error;
  Description description = describe(GetParam());
  for (int threads : {1, 2}) {
    auto weights =
        Weights::generate(description, RandomWeights(threads), error);
    ASSERT_TRUE(weights) << error;
    auto table = weights->table();
    for (int64_t i = 0; i < 30; ++i)
      EXPECT_NEAR(valueAt(table[0], i), std::log1p(i % 5), 0.01);
    for (int64_t i = 0; i < 7; ++i)
      EXPECT_EQ(valueAt(table[1], i), 1);
    for (int64_t i = 0; i < 9; ++i)
      EXPECT_EQ(valueAt(table[2], i), 1);
    for (int64_t i = 0; i < 64; ++i) {
      EXPECT_GE(valueAt(table[3], i), -4.61F);
      EXPECT_LE(valueAt(table[3], i), -2.29F);
      EXPECT_LE(std::abs(valueAt(table[4], i)), 0.0101F);
    }
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < 700 * 300; ++i) {
      double value = valueAt(table[5], i);
      ASSERT_LE(std::abs(value), 0.101) << i;
      sum += value;
      squares += value * value;
    }
    EXPECT_NEAR(sum / 210000, 0, 1e-3);
    EXPECT_NEAR(squares / 210000 * 300, 1, 0.05);
    // Rows are not copies of each other.
    EXPECT_NE(valueAt(table[5], 0), valueAt(table[5], 300));
  }
}

INSTANTIATE_TEST_SUITE_P(Types, RandomWeightsTest,
                         testing::Values(MARIMBA_F32, MARIMBA_F16,
                                         MARIMBA_BF16));

TEST(RandomWeightsTest, GivesMemoryBack) {
  std::string error;
  Description description = describe(MARIMBA_F32);
  auto weights = Weights::generate(description, RandomWeights(1), error);
  ASSERT_TRUE(weights) << error;
  const MarimbaTensor &released = weights->table()[5];
  int64_t count = 700 * 300;
  std::vector<float> before(static_cast<const float *>(released.data),
                            static_cast<const float *>(released.data) + count);
  std::vector<StoredMatrix> matrices =
      weights->matrices(5, description.weights[5]);
  ASSERT_EQ(matrices.size(), 1u);
  weights->release(matrices[0], count * 4);
  for (int64_t i = 0; i < count; ++i)
    ASSERT_EQ(valueAt(released, i), before[static_cast<size_t>(i)]);
  EXPECT_TRUE(weights->forget(matrices[0], count * 4));
  // All but what shares a page with others.
  int64_t zeros = 0;
  for (int64_t i = 0; i < count; ++i) {
    float value = valueAt(released, i);
    zeros += value == 0;
    EXPECT_TRUE(value == 0 || value == before[static_cast<size_t>(i)]);
  }
  EXPECT_GT(zeros, count * 95 / 100);
  // What others hold stays.
  EXPECT_EQ(valueAt(weights->table()[1], 6), 1);
  EXPECT_NE(valueAt(weights->table()[4], 63), 0);
}

TEST(RandomWeightsTest, RefusesIntegers) {
  std::string error;
  EXPECT_FALSE(
      Weights::generate(describe(MARIMBA_I8), RandomWeights(1), error));
  EXPECT_NE(error.find("A_log"), std::string::npos) << error;
}

} // namespace
