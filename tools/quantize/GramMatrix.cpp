//===- GramMatrix.cpp - Second moments of a projection's inputs -----------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/GramMatrix.h"

#include "tools/quantize/QuantLanes.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Parallel.h"
#include <algorithm>
#include <numeric>

using namespace marimba;
using namespace marimba::lanes;

// A tile of the result stays in registers while the samples pass by.
static constexpr int64_t kRows = 4;
static constexpr int64_t kVectors = 2;
static constexpr int64_t kColumns = kVectors * kLanes;

namespace marimba::lanes {
// Not static: compilers choose among the clones by their names.
void multiplyTile(const float *samples, int64_t count, int64_t stride,
                  int64_t row, int64_t column, float *sums);

/// The products of inputs [row, row + kRows) and [column, column + kColumns),
/// summed over samples, to `sums` [kRows,kColumns].
MARIMBA_FOR_VECTOR_UNITS
void multiplyTile(const float *samples, int64_t count, int64_t stride,
                  int64_t row, int64_t column, float *sums) {
  Floats tile[kRows][kVectors] = {};
  for (int64_t t = 0; t < count; ++t) {
    const float *x = samples + t * stride;
    Floats right[kVectors];
    std::memcpy(right, x + column, sizeof(right));
    for (int64_t r = 0; r < kRows; ++r)
      for (int64_t v = 0; v < kVectors; ++v)
        tile[r][v] += right[v] * x[row + r];
  }
  std::memcpy(sums, tile, sizeof(tile));
}
} // namespace marimba::lanes

GramMatrix::GramMatrix(int64_t k, bool diagonalOnly)
    : k(k), squares(k), full(diagonalOnly ? 0 : k * k) {}

void GramMatrix::add(const float *rows, int64_t count, int64_t stride) {
  seen += count;
  for (int64_t t = 0; t < count; ++t)
    for (int64_t i = 0; i < k; ++i)
      squares[i] += double(rows[t * stride + i]) * rows[t * stride + i];
  if (full.empty())
    return;
  int64_t padded = llvm::alignTo(k, kColumns);
  panel.assign(count * padded, 0);
  for (int64_t t = 0; t < count; ++t)
    std::copy_n(rows + t * stride, k, panel.data() + t * padded);
  // A band of rows to a task, none of which touches another's.
  llvm::parallelFor(0, llvm::divideCeil(k, kRows), [&](size_t band) {
    int64_t row = int64_t(band) * kRows;
    float sums[kRows * kColumns];
    for (int64_t column = llvm::alignDown(row, kColumns); column < k;
         column += kColumns) {
      multiplyTile(panel.data(), count, padded, row, column, sums);
      int64_t width = std::min(kColumns, k - column);
      for (int64_t r = 0; r < std::min(kRows, k - row); ++r)
        for (int64_t c = 0; c < width; ++c)
          full[(row + r) * k + column + c] += sums[r * kColumns + c];
    }
  });
}

std::vector<float> GramMatrix::importance() const {
  double mean = std::accumulate(squares.begin(), squares.end(), 0.0) /
                (double(k) * double(std::max<int64_t>(seen, 1)));
  // Of inputs that are all 0, none counts more than another.
  double least = mean > 0 ? 1e-4 * mean : 1;
  std::vector<float> result(k);
  for (int64_t i = 0; i < k; ++i)
    result[i] = float(squares[i] / double(std::max<int64_t>(seen, 1)) + least);
  return result;
}
