//===- GramMatrixTest.cpp - Tests of inputs' second moments ---------------===//

#include "tools/quantize/GramMatrix.h"

#include <gtest/gtest.h>
#include <random>

using namespace marimba;

namespace {

/// Rows of `stride` numbers.
std::vector<float> randomRows(int64_t rows, int64_t stride) {
  std::mt19937 generator(7);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * stride);
  for (float &value : values)
    value = normal(generator);
  return values;
}

/// The sum over rows of the products of two inputs.
double moment(const std::vector<float> &x, int64_t stride, int64_t i,
              int64_t j) {
  double sum = 0;
  for (size_t at = 0; at < x.size(); at += stride)
    sum += double(x[at + i]) * x[at + j];
  return sum;
}

/// Sizes that fill no tile, rows in pieces, columns that are others'.
TEST(GramMatrix, IsTheSumOfProducts) {
  constexpr int64_t rows = 37, stride = 90;
  std::vector<float> x = randomRows(rows, stride);
  for (int64_t k : {1, 3, 32, 33, 70}) {
    GramMatrix gram(k, /*diagonalOnly=*/false);
    gram.add(x.data(), 5, stride);
    gram.add(x.data() + 5 * stride, rows - 5, stride);
    EXPECT_EQ(gram.samples(), rows);
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = i; j < k; ++j)
        EXPECT_NEAR(gram.matrix()[i * k + j], moment(x, stride, i, j), 1e-4)
            << k << ": " << i << ", " << j;
  }
}

TEST(GramMatrix, ImportanceIsTheMeanSquare) {
  constexpr int64_t rows = 16, k = 20;
  std::vector<float> x = randomRows(rows, k);
  for (int64_t t = 0; t < rows; ++t)
    x[t * k + 4] = 0;
  GramMatrix gram(k, /*diagonalOnly=*/true);
  gram.add(x.data(), rows, k);
  EXPECT_EQ(gram.matrix(), nullptr);
  std::vector<float> importance = gram.importance();
  double sum = 0;
  for (int64_t i = 0; i < k; ++i)
    sum += moment(x, k, i, i) / rows;
  for (int64_t i = 0; i < k; ++i) {
    EXPECT_GT(importance[i], 0);
    EXPECT_NEAR(importance[i], moment(x, k, i, i) / rows, 1e-3 * sum / k);
  }
}

TEST(GramMatrix, InputsThatAreAllZeroCountTheSame) {
  GramMatrix gram(3, /*diagonalOnly=*/true);
  std::vector<float> zeros(6);
  gram.add(zeros.data(), 2, 3);
  EXPECT_EQ(gram.importance(), std::vector<float>(3, 1.0f));
}

} // namespace
