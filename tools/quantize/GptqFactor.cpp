//===- GptqFactor.cpp - How errors spread to later inputs -----------------===//
//
// Part of Marimba. With H = R Rᵀ for an upper triangular R (a Cholesky
// factorisation that begins at the last row), (H)⁻¹ = R⁻ᵀ R⁻¹, so that U = R⁻¹:
// one factorisation and one triangular inverse, both in blocks of columns,
// where nearly all work is the product of a band of rows and a panel.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/GptqFactor.h"

#include "tools/quantize/QuantLanes.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Parallel.h"
#include <algorithm>
#include <cmath>

using namespace marimba;
using namespace marimba::lanes;

static constexpr int64_t kBlock = 64; // columns at a time
static constexpr int64_t kBand = 4;   // rows of a product

namespace marimba::lanes {
// Not static: compilers choose among the clones by their names.
void multiplyBand(const float *a, int64_t strideA, int64_t depth,
                  const float *b, int64_t strideB, float *c, int64_t strideC,
                  int64_t columns);

/// C [kBand,columns] -= A [kBand,depth] B [depth,columns]; columns is a
/// multiple of kLanes.
MARIMBA_FOR_VECTOR_UNITS
void multiplyBand(const float *a, int64_t strideA, int64_t depth,
                  const float *b, int64_t strideB, float *c, int64_t strideC,
                  int64_t columns) {
  for (int64_t column = 0; column < columns; column += kLanes) {
    Floats sums[kBand] = {};
    for (int64_t i = 0; i < depth; ++i) {
      Floats right;
      std::memcpy(&right, b + i * strideB + column, sizeof(right));
      for (int64_t row = 0; row < kBand; ++row)
        sums[row] += right * a[row * strideA + i];
    }
    for (int64_t row = 0; row < kBand; ++row) {
      float *to = c + row * strideC + column;
      Floats value;
      std::memcpy(&value, to, sizeof(value));
      value -= sums[row];
      std::memcpy(to, &value, sizeof(value));
    }
  }
}
} // namespace marimba::lanes

GptqFactor::GptqFactor(const float *hessian, int64_t k, double damping)
    : inputs(k), stride(llvm::alignTo(k, kBlock)), matrix(stride * stride) {
  double trace = 0;
  for (int64_t i = 0; i < k; ++i)
    trace += hessian[i * k + i];
  auto added = static_cast<float>(trace > 0 ? damping * trace / double(k) : 1);
  for (int64_t i = 0; i < stride; ++i) {
    float *to = matrix.data() + i * stride;
    if (i < k)
      std::copy(hessian + i * k + i, hessian + i * k + k, to + i);
    to[i] = i < k ? to[i] + added : 1;
  }
}

/// R of a block of H on the diagonal, in its place.
bool GptqFactor::factoriseDiagonal(int64_t begin, std::string &error) {
  auto at = [&](int64_t i, int64_t j) -> float & {
    return matrix[(begin + i) * stride + begin + j];
  };
  for (int64_t j = kBlock - 1; j >= 0; --j) {
    double square = at(j, j);
    for (int64_t c = j + 1; c < kBlock; ++c)
      square -= double(at(j, c)) * at(j, c);
    if (!(square > 0) || !std::isfinite(square)) {
      error = "the inputs' second moments are not positive definite at input " +
              std::to_string(begin + j);
      return false;
    }
    at(j, j) = static_cast<float>(std::sqrt(square));
    for (int64_t i = 0; i < j; ++i) {
      double sum = at(i, j);
      for (int64_t c = j + 1; c < kBlock; ++c)
        sum -= double(at(i, c)) * at(j, c);
      at(i, j) = static_cast<float>(sum / at(j, j));
    }
  }
  return true;
}

/// The rows above a block on the diagonal, which is R already: X Rᵀ = H.
void GptqFactor::solvePanel(int64_t begin) {
  llvm::parallelFor(0, begin / kBand, [&](size_t band) {
    for (int64_t i = band * kBand; i < int64_t(band + 1) * kBand; ++i) {
      float *x = matrix.data() + i * stride + begin;
      for (int64_t j = kBlock - 1; j >= 0; --j) {
        const float *r = row(begin + j) + begin;
        float sum = x[j];
        for (int64_t c = j + 1; c < kBlock; ++c)
          sum -= x[c] * r[c];
        x[j] = sum / r[j];
      }
    }
  });
}

bool GptqFactor::factorise(std::string &error) {
  std::vector<float> panel;
  for (int64_t begin = stride - kBlock; begin >= 0; begin -= kBlock) {
    if (!factoriseDiagonal(begin, error))
      return false;
    solvePanel(begin);
    // What is left of H loses X Xᵀ; the second X is read by its columns.
    panel.resize(kBlock * begin);
    for (int64_t i = 0; i < begin; ++i)
      for (int64_t c = 0; c < kBlock; ++c)
        panel[c * begin + i] = row(i)[begin + c];
    llvm::parallelFor(0, begin / kBand, [&](size_t band) {
      int64_t i = band * kBand, from = llvm::alignDown(i, kLanes);
      multiplyBand(row(i) + begin, stride, kBlock, panel.data() + from, begin,
                   matrix.data() + i * stride + from, stride, begin - from);
    });
  }
  return true;
}

/// Inverts a triangle on the diagonal in its place.
void GptqFactor::invertDiagonal(int64_t begin) {
  auto at = [&](int64_t i, int64_t j) -> float & {
    return matrix[(begin + i) * stride + begin + j];
  };
  for (int64_t j = 0; j < kBlock; ++j) {
    at(j, j) = 1 / at(j, j);
    for (int64_t i = 0; i < j; ++i) {
      double sum = 0;
      for (int64_t c = i; c < j; ++c)
        sum += double(at(i, c)) * at(c, j);
      at(i, j) = static_cast<float>(-sum * at(j, j));
    }
  }
}

void GptqFactor::invert() {
  // What the lower triangle held in passing is no part of U.
  for (int64_t i = 0; i < stride; ++i)
    std::fill_n(matrix.data() + i * stride, i, 0.0f);
  std::vector<float> panel;
  for (int64_t begin = 0; begin < stride; begin += kBlock) {
    invertDiagonal(begin);
    // U = -U' R R''⁻¹ with the U' found so far and the inverse just made.
    panel.resize(begin * kBlock);
    for (int64_t i = 0; i < begin; ++i)
      std::copy_n(row(i) + begin, kBlock, panel.data() + i * kBlock);
    llvm::parallelFor(0, begin / kBand, [&](size_t band) {
      int64_t i = band * kBand;
      float product[kBand * kBlock] = {};
      multiplyBand(row(i) + i, stride, begin - i, panel.data() + i * kBlock,
                   kBlock, product, kBlock, kBlock);
      float *to = matrix.data() + i * stride + begin;
      for (int64_t r = 0; r < kBand; ++r)
        std::fill_n(to + r * stride, kBlock, 0.0f);
      for (float &value : product)
        value = -value; // C -= A B with A = -(-U' R)
      multiplyBand(product, kBlock, kBlock, row(begin) + begin, stride, to,
                   stride, kBlock);
    });
  }
}

std::optional<GptqFactor> GptqFactor::create(const float *hessian, int64_t k,
                                             std::string &error,
                                             double damping) {
  GptqFactor factor(hessian, k, damping);
  if (!factor.factorise(error))
    return std::nullopt;
  factor.invert();
  return factor;
}
