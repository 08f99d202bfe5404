//===- QuantizeGptqTest.cpp - Tests of codes chosen by their inputs -------===//

#include "tools/quantize/QuantizeGptq.h"
#include "tools/quantize/QuantizeMatrix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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

std::vector<float> randomMatrix(int64_t rows, int64_t columns, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * columns);
  for (float &value : values)
    value = normal(generator);
  return values;
}

/// XᵀX of inputs X [samples,k] that mix fewer sources than there are inputs,
/// and some noise.
std::vector<float> correlatedHessian(int64_t k, unsigned seed) {
  int64_t samples = 4 * k, sources = k / 3;
  std::vector<float> source = randomMatrix(samples, sources, seed);
  std::vector<float> mix = randomMatrix(sources, k, seed + 1);
  std::vector<float> x = randomMatrix(samples, k, seed + 2);
  for (int64_t s = 0; s < samples; ++s)
    for (int64_t i = 0; i < k; ++i) {
      double sum = 0.3 * x[s * k + i];
      for (int64_t c = 0; c < sources; ++c)
        sum += double(source[s * sources + c]) * mix[c * k + i];
      x[s * k + i] = float(sum);
    }
  std::vector<float> hessian(k * k);
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < k; ++j) {
      double sum = 0;
      for (int64_t s = 0; s < samples; ++s)
        sum += double(x[s * k + i]) * x[s * k + j];
      hessian[i * k + j] = float(sum);
    }
  return hessian;
}

/// |X (W - W')ᵀ|^2, which is what H says of it.
double outputError(const std::vector<float> &rows,
                   const QuantizedMatrix &matrix, int64_t n, int64_t k,
                   const Encoding &format, const std::vector<float> &hessian) {
  std::vector<float> off = dequantizeMatrix(matrix, n, k, format);
  for (int64_t i = 0; i < n * k; ++i)
    off[i] = rows[i] - off[i];
  double total = 0;
  for (int64_t row = 0; row < n; ++row)
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < k; ++j)
        total +=
            double(off[row * k + i]) * hessian[i * k + j] * off[row * k + j];
  return total;
}

GptqFactor factorOf(const std::vector<float> &hessian, int64_t k,
                    double damping = 0.01) {
  std::string error;
  auto factor = GptqFactor::create(hessian.data(), k, error, damping);
  EXPECT_TRUE(factor) << error;
  return *factor;
}

TEST(GptqFactor, IsTheFactorOfTheInverse) {
  // One block, several, and none that is full.
  for (int64_t k : {5, 64, 150, 192}) {
    std::vector<float> hessian = correlatedHessian(k, 7);
    double trace = 0;
    for (int64_t i = 0; i < k; ++i)
      trace += hessian[i * k + i];
    GptqFactor factor = factorOf(hessian, k);
    for (int64_t i = 0; i < k; ++i)
      hessian[i * k + i] += float(0.01 * trace / double(k));
    // Uᵀ (U H) = I.
    std::vector<double> product(k * k);
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < k; ++j)
        for (int64_t c = i; c < k; ++c)
          product[i * k + j] += double(factor.row(i)[c]) * hessian[c * k + j];
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < k; ++j) {
        double sum = 0;
        for (int64_t c = 0; c < k; ++c)
          sum += double(factor.row(c)[i]) * product[c * k + j];
        EXPECT_NEAR(sum, i == j ? 1 : 0, 1e-3) << i << ", " << j << " of " << k;
        if (j < i)
          EXPECT_EQ(factor.row(i)[j], 0.0f);
      }
  }
}

TEST(GptqFactor, NamesWhatIsNotPositive) {
  std::vector<float> hessian{1, 0, 0, -5};
  std::string error;
  EXPECT_FALSE(GptqFactor::create(hessian.data(), 2, error, 0));
  EXPECT_EQ(error, "the inputs' second moments are not positive definite at "
                   "input 1");
  hessian[3] = NAN;
  EXPECT_FALSE(GptqFactor::create(hessian.data(), 2, error));
}

TEST(QuantizeGptq, LosesLessOfTheOutputThanTheSearch) {
  constexpr int64_t n = 70, k = 200;
  std::vector<float> rows = randomMatrix(n, k, 1);
  std::vector<float> hessian = correlatedHessian(k, 2);
  GptqFactor factor = factorOf(hessian, k);
  std::vector<float> importance(k);
  for (int64_t i = 0; i < k; ++i)
    importance[i] = hessian[i * k + i];
  for (const Encoding &format :
       {Encoding{4, 32, Offset::None}, Encoding{4, 64, Offset::None},
        Encoding{4, 128, Offset::ZeroPoint}, Encoding{8, 64, Offset::None},
        Encoding{8, 0, Offset::None, Scalar::F32}}) {
    SCOPED_TRACE(std::to_string(format.bits) + " bits, group " +
                 std::to_string(format.group));
    QuantizedMatrix searched, weighed, ordered;
    std::string error;
    ASSERT_TRUE(quantizeMatrix(rows.data(), n, k, format, QuantMethod::Search,
                               nullptr, searched, error));
    ASSERT_TRUE(quantizeMatrix(rows.data(), n, k, format, QuantMethod::Search,
                               importance.data(), weighed, error));
    ASSERT_TRUE(
        quantizeGptq(rows.data(), n, k, format, factor, ordered, error));
    double before = std::min(outputError(rows, searched, n, k, format, hessian),
                             outputError(rows, weighed, n, k, format, hessian));
    double after = outputError(rows, ordered, n, k, format, hessian);
    EXPECT_LT(after, 0.5 * before);
    RecordProperty("ratio", std::to_string(after / before));
    // The weights themselves move further; the report says how far.
    EXPECT_GT(ordered.error, searched.error);
  }
}

TEST(QuantizeGptq, IsTheSearchWhereInputsAreApart) {
  constexpr int64_t n = 40, k = 130;
  std::vector<float> rows = randomMatrix(n, k, 3);
  std::vector<float> identity(k * k);
  for (int64_t i = 0; i < k; ++i)
    identity[i * k + i] = 1;
  std::vector<float> ones(k, 1.0f), none(k * k);
  for (const Encoding &format :
       {Encoding{4, 64, Offset::None}, Encoding{4, 128, Offset::ZeroPoint}}) {
    QuantizedMatrix searched, ordered, unseen;
    std::string error;
    ASSERT_TRUE(quantizeMatrix(rows.data(), n, k, format, QuantMethod::Search,
                               ones.data(), searched, error));
    ASSERT_TRUE(quantizeGptq(rows.data(), n, k, format,
                             factorOf(identity, k, 0), ordered, error));
    EXPECT_EQ(ordered.codes, searched.codes);
    EXPECT_EQ(ordered.scales, searched.scales);
    EXPECT_EQ(ordered.zeros, searched.zeros);
    EXPECT_EQ(ordered.error, searched.error);
    // An expert that no calibration token chose.
    ASSERT_TRUE(quantizeGptq(rows.data(), n, k, format, factorOf(none, k),
                             unseen, error));
    EXPECT_EQ(unseen.codes, searched.codes);
  }
}

TEST(QuantizeGptq, NamesWhatIsNotFinite) {
  constexpr int64_t n = 3, k = 70;
  std::vector<float> rows = randomMatrix(n, k, 1);
  rows[k + 4] = NAN;
  QuantizedMatrix result;
  std::string error;
  EXPECT_FALSE(quantizeGptq(rows.data(), n, k, Encoding(),
                            factorOf(correlatedHessian(k, 2), k), result, error,
                            /*firstRow=*/64));
  EXPECT_EQ(error, "row 65, column 4 is nan, expected finite weights");
}

} // namespace
