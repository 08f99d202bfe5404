//===- MutatedBlocksTest.cpp - Blocks as no quantiser writes them ---------===//

#include "marimba/formats/Format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

using namespace marimba::formats;

namespace {

using Bytes = std::vector<char>;

/// The first of the golden's blocks, which has random codes and a usual scale.
Bytes firstBlock(const Format &format) {
  std::ifstream file(std::string(MARIMBA_FORMATS_INPUTS) + "/" +
                         std::string(format.name) + ".blocks",
                     std::ios::binary);
  Bytes block(static_cast<size_t>(format.bytes));
  file.read(block.data(), format.bytes);
  EXPECT_TRUE(file) << format.name;
  return block;
}

std::vector<float> widen(const Format &format, const Bytes &blocks) {
  auto count = static_cast<int64_t>(blocks.size()) / format.bytes;
  std::vector<float> values(static_cast<size_t>(count * format.elements));
  format.widen(blocks.data(), values.data(), count);
  return values;
}

/// An f16 of a block: of all its elements the scale, or a factor of that or of
/// the minimum.
struct Half {
  std::string_view format;
  int64_t offset;
};
// IQ1_M, MXFP4 and NVFP4, whose scales are no f16, are below.
constexpr Half kHalves[] = {
    {"Q8_0", 0},   {"Q4_0", 0},   {"Q4_1", 0},    {"Q4_1", 2},   {"Q5_0", 0},
    {"Q5_1", 0},   {"Q5_1", 2},   {"Q4_K", 0},    {"Q4_K", 2},   {"Q5_K", 0},
    {"Q5_K", 2},   {"Q6_K", 208}, {"Q2_K", 80},   {"Q2_K", 82},  {"Q3_K", 108},
    {"IQ4_NL", 0}, {"IQ4_XS", 0}, {"IQ3_XXS", 0}, {"IQ3_S", 0},  {"IQ2_XXS", 0},
    {"IQ2_XS", 0}, {"IQ2_S", 0},  {"IQ1_S", 0},   {"TQ1_0", 52}, {"TQ2_0", 64},
    {"Q1_0", 0},   {"Q2_0", 0}};

class MutatedBlocksTest : public testing::TestWithParam<Half> {
protected:
  std::vector<float> widenWith(uint16_t bits) const {
    const Format &format = *findFormat(GetParam().format);
    Bytes block = firstBlock(format);
    std::memcpy(block.data() + GetParam().offset, &bits, sizeof(bits));
    return widen(format, block);
  }
};

TEST_P(MutatedBlocksTest, NaNMakesNaN) {
  for (uint16_t bits : {0x7e00, 0x7c01, 0xffff})
    for (float value : widenWith(bits))
      EXPECT_TRUE(std::isnan(value));
}

TEST_P(MutatedBlocksTest, InfiniteMakesInfiniteOrNaN) {
  for (uint16_t bits : {0x7c00, 0xfc00}) {
    std::vector<float> values = widenWith(bits);
    for (float value : values)
      EXPECT_FALSE(std::isfinite(value));
    EXPECT_TRUE(std::ranges::any_of(
        values, [](float value) { return std::isinf(value); }));
  }
}

TEST_P(MutatedBlocksTest, DenormalIsNotFlushed) {
  EXPECT_NE(widenWith(1), widenWith(0));
}

INSTANTIATE_TEST_SUITE_P(All, MutatedBlocksTest, testing::ValuesIn(kHalves),
                         [](const auto &info) {
                           return std::string(info.param.format) + "_at" +
                                  std::to_string(info.param.offset);
                         });

TEST(MutatedBlocksTest, NoFormatIsLeftOut) {
  for (const Format *format : allFormats()) {
    auto isOf = [&](const Half &half) { return half.format == format->name; };
    EXPECT_TRUE(format->isFloat() || format->name == "IQ1_M" ||
                format->name == "MXFP4" || format->name == "NVFP4" ||
                std::ranges::any_of(kHalves, isOf))
        << format->name;
  }
}

TEST(MutatedBlocksTest, ScatteredScaleOfIQ1M) {
  const Format &format = *findFormat("IQ1_M");
  Bytes block = firstBlock(format);
  auto widenWith = [&](unsigned half) {
    for (int i = 0; i < 4; ++i) {
      char &byte = block[static_cast<size_t>(49 + 2 * i)];
      byte = static_cast<char>((byte & 15) | (half >> 4 * i & 15) << 4);
    }
    return widen(format, block);
  };
  for (float value : widenWith(0x7e01))
    EXPECT_TRUE(std::isnan(value));
  // No code is 0.
  for (float value : widenWith(0xfc00))
    EXPECT_TRUE(std::isinf(value));
  EXPECT_NE(widenWith(1), widenWith(0));
}

TEST(MutatedBlocksTest, ExponentsOfMXFP4) {
  const Format &format = *findFormat("MXFP4");
  Bytes block(static_cast<size_t>(format.bytes), 0x12); // codes 2 and 1
  auto widenWith = [&](int exponent) {
    block[0] = static_cast<char>(exponent);
    return widen(format, block);
  };
  // 2^128 is no f32, but infinite; half of it is one.
  for (int exponent = 0; exponent < 256; ++exponent) {
    std::vector<float> values = widenWith(exponent);
    EXPECT_EQ(values[0], std::ldexp(1.0F, exponent - 127));
    EXPECT_EQ(values[16], std::ldexp(1.0F, exponent - 128));
  }
  block.assign(block.size(), 0x70);
  EXPECT_EQ(widenWith(255)[0], 0);
  EXPECT_TRUE(std::isinf(widenWith(255)[16]));
}

TEST(MutatedBlocksTest, ScalesOfNVFP4) {
  const Format &format = *findFormat("NVFP4");
  Bytes block = firstBlock(format);
  // A NaN of that type is 0.
  block[1] = 0x7f;
  block[2] = 56; // 1
  std::vector<float> values = widen(format, block);
  for (size_t i = 16; i < 32; ++i)
    EXPECT_EQ(values[i], 0);
  EXPECT_TRUE(std::any_of(values.begin() + 32, values.begin() + 48,
                          [](float value) { return std::fabs(value) == 6; }));
  // There are no negative scales.
  block[2] = static_cast<char>(56 | 0x80);
  EXPECT_EQ(widen(format, block), values);
}

TEST(MutatedBlocksTest, AllBytesAreRead) {
  for (const Format *format : allFormats()) {
    if (format->isFloat())
      continue;
    std::minstd_rand random(7);
    Bytes blocks(static_cast<size_t>(1000 * format->bytes));
    for (char &byte : blocks)
      byte = static_cast<char>(random() >> 8);
    std::vector<float> values = widen(*format, blocks);
    // Each is as it is alone.
    for (int64_t b : {0, 1, 999}) {
      auto at = blocks.begin() + b * format->bytes;
      std::vector<float> alone = widen(*format, Bytes(at, at + format->bytes));
      for (size_t i = 0; i < alone.size(); ++i) {
        float among = values[static_cast<size_t>(b * format->elements) + i];
        EXPECT_TRUE(alone[i] == among ||
                    (std::isnan(alone[i]) && std::isnan(among)))
            << format->name;
      }
    }
  }
}

} // namespace
