//===- ScalarTest.cpp - f16 and bf16 --------------------------------------===//

#include "marimba/formats/Scalar.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

using namespace marimba::formats;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// By the definition.
float halfByDefinition(uint32_t bits) {
  int exponent = bits >> 10 & 31;
  auto fraction = static_cast<float>(bits & 1023);
  float size = exponent == 0 ? std::ldexp(fraction, -24)
                             : std::ldexp(fraction + 1024, exponent - 25);
  if (exponent == 31)
    size = fraction == 0 ? kInfinity : NAN;
  return bits & 0x8000 ? -size : size;
}

TEST(ScalarTest, EveryHalfThereAndBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    float value = fromF16(static_cast<uint16_t>(bits));
    float expected = halfByDefinition(bits);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(value)) << bits;
      EXPECT_TRUE(std::isnan(fromF16(toF16(value)))) << bits;
      continue;
    }
    ASSERT_EQ(std::bit_cast<uint32_t>(value), std::bit_cast<uint32_t>(expected))
        << bits;
    ASSERT_EQ(toF16(value), bits);
  }
}

TEST(ScalarTest, RoundsToNearestEven) {
  // Between each two neighbours: their middle goes to the even one, what is
  // next to the middle to the nearer one.
  for (uint32_t low = 0; low < 0x7bff; ++low) {
    float a = halfByDefinition(low), b = halfByDefinition(low + 1);
    float middle = (a + b) / 2; // exact
    auto even = static_cast<uint16_t>(low + (low & 1));
    ASSERT_EQ(toF16(middle), even) << low;
    ASSERT_EQ(toF16(-middle), even | 0x8000) << low;
    ASSERT_EQ(toF16(std::nextafter(middle, 0.0F)), low);
    ASSERT_EQ(toF16(std::nextafter(middle, kInfinity)), low + 1);
  }
  EXPECT_EQ(toF16(65519.996F), 0x7bff);
  EXPECT_EQ(toF16(65520), 0x7c00);
  EXPECT_EQ(toF16(-kInfinity), 0xfc00);
  EXPECT_EQ(toF16(1e-30F), 0);
}

TEST(ScalarTest, EveryBFloatThereAndBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    auto half = static_cast<uint16_t>(bits);
    float value = fromBF16(half);
    if (std::isnan(value))
      EXPECT_TRUE(std::isnan(fromBF16(toBF16(value)))) << bits;
    else
      ASSERT_EQ(toBF16(value), half);
  }
  EXPECT_EQ(toBF16(std::bit_cast<float>(0x3f808000u)), 0x3f80);
  EXPECT_EQ(toBF16(std::bit_cast<float>(0x3f818000u)), 0x3f82);
  EXPECT_EQ(toBF16(std::bit_cast<float>(0x3f808001u)), 0x3f81);
}

TEST(ScalarTest, UnalignedMemory) {
  char bytes[12] = {};
  for (Scalar type : {Scalar::F32, Scalar::F16, Scalar::BF16}) {
    storeScalar(-1.5F, type, bytes + 1);
    storeScalar(2, type, bytes + 1 + scalarSize(type));
    EXPECT_EQ(loadScalar(bytes + 1, type), -1.5F);
    float both[2];
    widenScalars(bytes + 1, type, both, 2);
    EXPECT_EQ(both[1], 2);
    EXPECT_EQ(parseScalar(scalarName(type)), type);
  }
  EXPECT_FALSE(parseScalar("F64"));
}

} // namespace
