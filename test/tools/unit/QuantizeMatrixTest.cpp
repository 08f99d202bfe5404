//===- QuantizeMatrixTest.cpp - Tests of codes and scales -----------------===//

#include "tools/quantize/QuantizeMatrix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

using namespace marimba;

namespace {

/// What `matrix` stands for, [n,k].
std::vector<float> dequantizeMatrix(const QuantizedMatrix &matrix, int64_t n,
                                    int64_t k, const Encoding &format) {
  auto bytes = [](const std::vector<uint8_t> &part) {
    return reinterpret_cast<const char *>(part.data());
  };
  return widenMatrix(
      Layout::of(format, n, k),
      {bytes(matrix.codes), bytes(matrix.scales), bytes(matrix.zeros)});
}

float loadScale(const uint8_t *from, Scalar type) {
  return loadScalar(reinterpret_cast<const char *>(from), type);
}

std::vector<float> randomRows(int64_t n, int64_t k, unsigned seed = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, 0.02f);
  std::vector<float> rows(n * k);
  for (float &w : rows)
    w = normal(generator);
  return rows;
}

QuantizedMatrix quantize(const std::vector<float> &rows, int64_t n, int64_t k,
                         const Encoding &format,
                         QuantMethod method = QuantMethod::Search,
                         const float *importance = nullptr) {
  QuantizedMatrix result;
  std::string error;
  EXPECT_TRUE(quantizeMatrix(rows.data(), n, k, format, method, importance,
                             result, error))
      << error;
  return result;
}

/// What every group of every channel loses, each input counted by importance.
std::vector<double> groupErrors(const std::vector<float> &rows,
                                const QuantizedMatrix &matrix, int64_t n,
                                int64_t k, const Encoding &format,
                                const float *importance = nullptr) {
  std::vector<float> stored = dequantizeMatrix(matrix, n, k, format);
  Layout layout = Layout::of(format, n, k);
  int64_t groups = layout.groups, size = layout.group;
  std::vector<double> errors(n * groups);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t i = 0; i < k; ++i) {
      double off = double(rows[row * k + i]) - stored[row * k + i];
      errors[row * groups + i / size] +=
          off * off * (importance ? importance[i] : 1.0);
    }
  return errors;
}

double sum(const std::vector<double> &values) {
  double total = 0;
  for (double value : values)
    total += value;
  return total;
}

std::vector<Encoding> allFormats() {
  std::vector<Encoding> formats;
  for (Scalar scales : {Scalar::BF16, Scalar::F16})
    for (int64_t group : {32, 64, 128}) {
      formats.push_back({8, group, Offset::None, scales});
      formats.push_back({4, group, Offset::None, scales});
      formats.push_back({4, group, Offset::ZeroPoint, scales});
    }
  formats.push_back({8, 0, Offset::None, Scalar::F32});
  return formats;
}

std::string describe(const Encoding &format) {
  return std::to_string(format.bits) + " bits, group " +
         std::to_string(format.group) +
         (format.offset == Offset::ZeroPoint ? ", zeros" : "") + ", scales " +
         std::to_string(int(format.scale));
}

TEST(QuantizeMatrix, SearchIsNeverWorseThanNearest) {
  constexpr int64_t n = 70, k = 200; // neither fills its blocks
  std::vector<float> rows = randomRows(n, k);
  for (const Encoding &format : allFormats()) {
    SCOPED_TRACE(describe(format));
    QuantizedMatrix near = quantize(rows, n, k, format, QuantMethod::Nearest);
    QuantizedMatrix best = quantize(rows, n, k, format, QuantMethod::Search);
    auto nearErrors = groupErrors(rows, near, n, k, format);
    auto bestErrors = groupErrors(rows, best, n, k, format);
    for (size_t g = 0; g < nearErrors.size(); ++g)
      EXPECT_LE(bestErrors[g], nearErrors[g] * (1 + 1e-6)) << "group " << g;
    // And gains where there is something to gain.
    EXPECT_LT(sum(bestErrors), sum(nearErrors) * (format.bits == 8 ? 1 : 0.95));
    // What is reported is what is stored.
    EXPECT_NEAR(best.error, sum(bestErrors), 1e-5 * best.error);
  }
}

TEST(QuantizeMatrix, ErrorsAreBoundedByTheStep) {
  constexpr int64_t n = 33, k = 130;
  std::vector<float> rows = randomRows(n, k, 2);
  for (const Encoding &format : allFormats()) {
    SCOPED_TRACE(describe(format));
    QuantizedMatrix matrix = quantize(rows, n, k, format, QuantMethod::Nearest);
    std::vector<float> stored = dequantizeMatrix(matrix, n, k, format);
    Layout layout = Layout::of(format, n, k);
    int64_t groups = layout.groups, size = layout.group;
    for (int64_t row = 0; row < n; ++row)
      for (int64_t i = 0; i < k; ++i) {
        float scale = std::fabs(loadScale(
            matrix.scales.data() +
                (i / size * Layout::kChannels + row) * scalarSize(format.scale),
            format.scale));
        // The far end of signed 4 bits may be cut by a step; a zero point and a
        // rounded scale move the ends by half of one.
        float most = format.bits == 4 ? 1.1f : 0.8f;
        EXPECT_LE(std::fabs(rows[row * k + i] - stored[row * k + i]),
                  most * scale)
            << "row " << row << " of " << groups << " groups, input " << i;
      }
  }
}

TEST(QuantizeMatrix, ImportanceDecidesWhatCounts) {
  constexpr int64_t n = 64, k = 256;
  std::vector<float> rows = randomRows(n, k, 3);
  std::vector<float> importance(k);
  std::mt19937 generator(4);
  std::exponential_distribution<float> heavy(1);
  for (float &h : importance)
    h = std::pow(heavy(generator), 4.0f) + 1e-3f;
  for (Encoding format :
       {Encoding{4, 64, Offset::None}, Encoding{4, 32, Offset::ZeroPoint},
        Encoding{8, 64, Offset::None}}) {
    SCOPED_TRACE(describe(format));
    QuantizedMatrix plain = quantize(rows, n, k, format);
    QuantizedMatrix weighed =
        quantize(rows, n, k, format, QuantMethod::Search, importance.data());
    const float *h = importance.data();
    double plainError = sum(groupErrors(rows, plain, n, k, format, h));
    double weighedError = sum(groupErrors(rows, weighed, n, k, format, h));
    EXPECT_LT(weighedError, 0.9 * plainError);
    // The same everywhere is as none.
    std::vector<float> same(k, 2.0f);
    EXPECT_EQ(
        plain.codes,
        quantize(rows, n, k, format, QuantMethod::Search, same.data()).codes);
  }
}

TEST(QuantizeMatrix, ZerosStayZeros) {
  constexpr int64_t n = 3, k = 192;
  std::vector<float> rows = randomRows(n, k);
  std::fill_n(rows.begin() + k + 64, 64, 0.0f); // a group of the second row
  std::fill_n(rows.begin() + 2 * k, k, 0.0f);   // the third row
  for (const Encoding &format : allFormats())
    for (QuantMethod method : {QuantMethod::Nearest, QuantMethod::Search}) {
      SCOPED_TRACE(describe(format));
      QuantizedMatrix matrix = quantize(rows, n, k, format, method);
      std::vector<float> stored = dequantizeMatrix(matrix, n, k, format);
      for (int64_t i = 0; i < n * k; ++i) {
        ASSERT_TRUE(std::isfinite(stored[i])) << i;
        if (rows[i] == 0)
          EXPECT_EQ(stored[i], 0.0f) << i;
      }
      EXPECT_EQ(loadScale(matrix.scales.data() + 2 * scalarSize(format.scale),
                          format.scale),
                0.0f);
    }
}

TEST(QuantizeMatrix, OneSidedGroupsKeepAZero) {
  constexpr int64_t n = 2, k = 64;
  std::vector<float> rows(n * k);
  for (int64_t i = 0; i < k; ++i) {
    rows[i] = 1.0f + 0.01f * float(i);
    rows[k + i] = -rows[i];
  }
  Encoding format{4, 32, Offset::ZeroPoint, Scalar::BF16};
  QuantizedMatrix matrix = quantize(rows, n, k, format);
  for (uint8_t zero : matrix.zeros)
    EXPECT_LE(zero, 15);
  EXPECT_LT(matrix.error, 1e-3 * matrix.energy);
}

TEST(QuantizeMatrix, PaddingMeansZero) {
  constexpr int64_t n = 65, k = 67;
  std::vector<float> rows = randomRows(n, k);
  for (const Encoding &format : allFormats()) {
    SCOPED_TRACE(describe(format));
    QuantizedMatrix matrix = quantize(rows, n, k, format);
    int64_t padded = Layout::of(format, n, k).depth,
            wide = 2 * Layout::kChannels;
    ASSERT_EQ(matrix.codes.size(), size_t(wide * padded * format.bits / 8));
    std::vector<float> all = dequantizeMatrix(matrix, wide, padded, format);
    for (int64_t row = 0; row < wide; ++row)
      for (int64_t i = 0; i < padded; ++i)
        if (row >= n || i >= k)
          ASSERT_EQ(all[row * padded + i], 0.0f) << row << ", " << i;
  }
}

TEST(QuantizeMatrix, ChannelsDoNotDependOnEachOther) {
  constexpr int64_t n = 128, k = 100;
  std::vector<float> rows = randomRows(n, k);
  Encoding format{4, 64, Offset::ZeroPoint, Scalar::F16};
  QuantizedMatrix whole = quantize(rows, n, k, format);
  std::vector<float> second(rows.begin() + 64 * k, rows.end());
  QuantizedMatrix half = quantize(second, 64, k, format);
  EXPECT_TRUE(std::equal(half.codes.begin(), half.codes.end(),
                         whole.codes.begin() + whole.codes.size() / 2));
  EXPECT_TRUE(std::equal(half.scales.begin(), half.scales.end(),
                         whole.scales.begin() + whole.scales.size() / 2));
}

TEST(QuantizeMatrix, NamesWhatIsNotFinite) {
  constexpr int64_t n = 40, k = 70;
  for (float bad : {std::numeric_limits<float>::quiet_NaN(),
                    -std::numeric_limits<float>::infinity()}) {
    std::vector<float> rows = randomRows(n, k);
    rows[17 * k + 69] = bad;
    QuantizedMatrix result;
    std::string error;
    EXPECT_FALSE(quantizeMatrix(rows.data(), n, k, Encoding(),
                                QuantMethod::Search, nullptr, result, error));
    EXPECT_EQ(error.substr(0, 22),
              "row 17, column 69 is " + std::to_string(bad).substr(0, 1));
  }
}

TEST(QuantizeMatrix, RefusesScalesThatHalfDoesNotHold) {
  std::vector<float> rows(64, 1e6f);
  QuantizedMatrix result;
  std::string error;
  EXPECT_FALSE(quantizeMatrix(rows.data(), 1, 64,
                              {4, 64, Offset::None, Scalar::F16},
                              QuantMethod::Search, nullptr, result, error));
  EXPECT_NE(error.find("row 0 needs a scale of"), std::string::npos) << error;
  EXPECT_TRUE(quantizeMatrix(rows.data(), 1, 64, {4, 64, Offset::None},
                             QuantMethod::Search, nullptr, result, error))
      << error;
}

TEST(QuantizeMatrix, TakesTinyAndHugeWeights) {
  constexpr int64_t n = 4, k = 64;
  for (float size : {1e-42f, 1e-38f, 1e-30f, 1e30f, 3e38f}) {
    std::vector<float> rows = randomRows(n, k);
    for (float &w : rows)
      w = std::clamp(w * 10, -1.0f, 1.0f) * size;
    for (Encoding format :
         {Encoding{4, 64, Offset::None}, Encoding{4, 64, Offset::ZeroPoint},
          Encoding{8, 0, Offset::None, Scalar::F32}}) {
      SCOPED_TRACE(describe(format));
      QuantizedMatrix matrix = quantize(rows, n, k, format);
      std::vector<float> stored = dequantizeMatrix(matrix, n, k, format);
      for (int64_t i = 0; i < n * k; ++i)
        ASSERT_LE(std::fabs(stored[i] - rows[i]), 0.2f * size + 1e-37f)
            << size << ", " << i;
    }
  }
}

} // namespace
