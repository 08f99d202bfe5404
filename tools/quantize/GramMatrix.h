//===- GramMatrix.h - Second moments of a projection's inputs ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_GRAMMATRIX_H
#define MARIMBA_TOOLS_QUANTIZE_GRAMMATRIX_H

#include <cstdint>
#include <vector>

namespace marimba {

/// XᵀX of inputs X [samples,K], a few samples at a time, or its diagonal alone.
class GramMatrix {
public:
  GramMatrix(int64_t k, bool diagonalOnly);

  /// Adds `count` rows of `k` values, `stride` values apart; on all processors.
  void add(const float *rows, int64_t count, int64_t stride);

  int64_t size() const { return k; }
  /// [k,k], of which the part right of the diagonal is there; null where only
  /// the diagonal was wanted.
  const float *matrix() const { return full.empty() ? nullptr : full.data(); }
  /// The mean of the squares of each input, [k], where there are samples; all
  /// above 0: inputs that were always 0 count a little.
  std::vector<float> importance() const;
  int64_t samples() const { return seen; }

  /// Bytes of a whole matrix.
  static uint64_t bytesOf(int64_t k) { return 4 * uint64_t(k) * uint64_t(k); }

private:
  int64_t k, seen = 0;
  std::vector<double> squares; // [k]
  std::vector<float> full;     // [k,k], or empty
  std::vector<float> panel;    // the rows of a call, padded
};

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_GRAMMATRIX_H
