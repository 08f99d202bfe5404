//===- GgufBlocksTest.cpp - Tests of GGUF's blocks ------------------------===//

#include "tools/quantize/GgufBlocks.h"

#include "marimba/formats/Format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace marimba;

namespace {

float half(const uint8_t *at) {
  return loadScalar(reinterpret_cast<const char *>(at), Scalar::F16);
}

/// What element `i` of a block stands for, word for word as ggml-common.h and
/// the format's description have it.
double widen(std::string_view type, const uint8_t *b, int i) {
  if (type == "Q8_0")
    return double(half(b)) * static_cast<int8_t>(b[2 + i]);
  auto nibble = [&](const uint8_t *codes) {
    return i < 16 ? codes[i] & 15 : codes[i - 16] >> 4;
  };
  auto top = [&](const uint8_t *bits) {
    return (bits[i / 8] >> i % 8 & 1) << 4;
  };
  if (type == "Q4_0")
    return double(half(b)) * (nibble(b + 2) - 8);
  if (type == "Q5_0")
    return double(half(b)) * ((nibble(b + 6) | top(b + 2)) - 16);
  if (type == "Q5_1")
    return double(half(b)) * (nibble(b + 8) | top(b + 4)) + half(b + 2);
  if (type == "Q6_K") {
    int part = i / 128, within = i % 128, l = within % 32, row = within / 32;
    int low = b[64 * part + l + row % 2 * 32] >> (row / 2 * 4) & 15;
    int high = b[128 + 32 * part + l] >> 2 * row & 3;
    return double(half(b + 208)) * static_cast<int8_t>(b[192 + i / 16]) *
           ((low | high << 4) - 32);
  }
  bool five = type == "Q5_K";
  int group = i / 32, l = i % 32;
  const uint8_t *six = b + 4, *codes = b + 16 + (five ? 32 : 0);
  int scale = six[group] & 63, minimum = six[group + 4] & 63;
  if (group >= 4) {
    scale = (six[group + 4] & 15) | (six[group - 4] >> 6) << 4;
    minimum = six[group + 4] >> 4 | (six[group] >> 6) << 4;
  }
  int q = codes[group / 2 * 32 + l] >> (group % 2 * 4) & 15;
  if (five)
    q |= (b[16 + l] >> group & 1) << 4;
  return double(half(b)) * scale * q - double(half(b + 2)) * minimum;
}

struct Result {
  std::vector<uint8_t> bytes;
  QuantError lost;
  double error = 0; // by what the bytes say
};

Result quantize(std::string_view name, const std::vector<float> &rows,
                int64_t n, QuantMethod method = QuantMethod::Search) {
  const BlockType &type = *findBlockType(name);
  auto k = int64_t(rows.size()) / n;
  Result result;
  result.bytes.resize(n * type.bytesOf(k));
  std::string error;
  EXPECT_TRUE(quantizeBlocks(type, rows.data(), n, k, method,
                             reinterpret_cast<char *>(result.bytes.data()),
                             result.lost, error))
      << error;
  for (size_t i = 0; i < rows.size(); ++i) {
    auto element = int64_t(i) % type.elements;
    const uint8_t *block =
        result.bytes.data() + int64_t(i) / type.elements * type.bytes;
    double off = rows[i] - widen(name, block, int(element));
    result.error += off * off;
  }
  return result;
}

std::vector<float> randomRows(int64_t n, int64_t k, float mean = 0) {
  std::mt19937 generator(5);
  std::normal_distribution<float> normal(mean, 0.02f);
  std::vector<float> rows(n * k);
  for (float &w : rows)
    w = normal(generator);
  return rows;
}

class BlocksOf : public testing::TestWithParam<const char *> {};

// What is told as lost is what the bytes lose, and searching loses less.
TEST_P(BlocksOf, LoseWhatTheySay) {
  for (float mean : {0.0f, 0.03f}) {
    std::vector<float> rows = randomRows(37, 512, mean);
    Result best = quantize(GetParam(), rows, 37);
    Result nearest = quantize(GetParam(), rows, 37, QuantMethod::Nearest);
    EXPECT_NEAR(best.error, best.lost.error, 1e-4 * best.error);
    EXPECT_NEAR(nearest.error, nearest.lost.error, 1e-4 * nearest.error);
    EXPECT_LT(best.error, nearest.error);
    EXPECT_GT(best.error, 0);
  }
}

/// The relative mean squared error of rounding to `bits` in groups whose scale
/// the largest of 32 normal numbers decides, a little rounded up.
double mostLost(std::string_view type) {
  double steps = type[1] == '8' ? 127 : std::pow(2, type[1] - '0' - 1);
  double step = 2.2 / steps; // in standard deviations
  return step * step / 12 * 1.3;
}

TEST_P(BlocksOf, AreAsFineAsTheirBits) {
  Result result = quantize(GetParam(), randomRows(32, 1024), 32);
  EXPECT_LT(result.lost.error / result.lost.energy, mostLost(GetParam()));
}

TEST_P(BlocksOf, HoldZeros) {
  Result result = quantize(GetParam(), std::vector<float>(512), 2);
  EXPECT_EQ(0, result.error);
  EXPECT_EQ(0, result.lost.energy);
}

// The format that reads them has the same numbers.
TEST_P(BlocksOf, AreReadBack) {
  std::vector<float> rows = randomRows(3, 256, 0.01f);
  Result result = quantize(GetParam(), rows, 3);
  const formats::Format *format = formats::findFormat(GetParam());
  ASSERT_NE(nullptr, format);
  const BlockType &type = *findBlockType(GetParam());
  EXPECT_EQ(type.elements, format->elements);
  ASSERT_EQ(type.bytes, format->bytes);
  std::vector<float> wide(rows.size());
  format->widen(reinterpret_cast<const char *>(result.bytes.data()),
                wide.data(), int64_t(rows.size()) / type.elements);
  double error = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    double off = rows[i] - wide[i];
    error += off * off;
  }
  EXPECT_NEAR(result.error, error, 1e-5 * error);
}

// Rows in the lanes beside it make no difference.
TEST_P(BlocksOf, DependOnTheirRowAlone) {
  std::vector<float> rows = randomRows(21, 256);
  Result all = quantize(GetParam(), rows, 21);
  size_t rowBytes = all.bytes.size() / 21;
  for (int64_t row : {0, 7, 20}) {
    std::vector<float> one(rows.begin() + row * 256,
                           rows.begin() + (row + 1) * 256);
    std::vector<uint8_t> expected(all.bytes.begin() + row * rowBytes,
                                  all.bytes.begin() + (row + 1) * rowBytes);
    EXPECT_EQ(expected, quantize(GetParam(), one, 1).bytes);
  }
}

// One that is much larger than the others, of either sign.
TEST_P(BlocksOf, KeepTheLargest) {
  for (float largest : {3.0f, -3.0f}) {
    std::vector<float> rows = randomRows(1, 256);
    rows[77] = largest;
    Result result = quantize(GetParam(), rows, 1);
    EXPECT_LT(result.error, 0.02 * largest * largest);
  }
}

TEST_P(BlocksOf, RefuseWhatTheyCannotHold) {
  auto refused = [&](float bad) {
    std::vector<float> rows = randomRows(3, 256);
    rows[2 * 256 + 5] = bad;
    const BlockType &type = *findBlockType(GetParam());
    std::vector<char> bytes(3 * type.bytesOf(256));
    QuantError lost;
    std::string error;
    EXPECT_FALSE(quantizeBlocks(type, rows.data(), 3, 256, QuantMethod::Search,
                                bytes.data(), lost, error, 100));
    return error;
  };
  EXPECT_EQ("row 102, column 5 is nan, expected finite weights",
            refused(std::numeric_limits<float>::quiet_NaN()));
  EXPECT_EQ("row 102, column 5 is inf, expected finite weights",
            refused(std::numeric_limits<float>::infinity()));
  EXPECT_EQ("row 102 needs a scale that f16 cannot represent", refused(3e9f));
}

INSTANTIATE_TEST_SUITE_P(, BlocksOf,
                         testing::Values("Q8_0", "Q4_0", "Q5_0", "Q5_1", "Q4_K",
                                         "Q5_K", "Q6_K"));

TEST(GgufBlocks, KnowTheirTypes) {
  EXPECT_EQ(nullptr, findBlockType("Q2_K"));
  EXPECT_EQ(144, findBlockType("Q4_K")->bytesOf(256));
}

} // namespace
