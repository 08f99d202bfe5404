//===- RepackedCodes.h - Quantised matrices of other programs ---*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CORE_REPACKEDCODES_H
#define MARIMBA_RUNTIME_CORE_REPACKEDCODES_H

#include "marimba/Weights.h"

namespace marimba::rt {

/// A block of ggml: an f16 scale, and 32 codes of so many bits.
inline constexpr int64_t kGgmlBlock = 32, kGgmlScaleBytes = 2;
constexpr int64_t ggmlBlockBytes(int64_t bits) {
  return kGgmlScaleBytes + kGgmlBlock * bits / 8;
}

/// Whether the file has codes, scales or zero points of a quantised matrix in
/// the order of another program.
bool isRepacked(BlockFormat format);

/// Bytes of such a tensor in its file; nothing where its shape is none of a
/// matrix with so many channels.
std::optional<uint64_t> foreignBytes(const WeightSource &source);

/// Where row `row` of `rows` is stored, in a file that has the two halves of
/// each of so many heads in turns; 0 heads: where it belongs.
inline int64_t storedRow(int64_t row, int64_t rows, int64_t heads) {
  if (heads == 0)
    return row;
  // Row p*half + j of a head is stored as its row 2j + p.
  int64_t half = rows / heads / 2;
  int64_t head = row / (2 * half), part = row / half % 2, j = row % half;
  return 2 * half * head + 2 * j + part;
}

/// Writes the tensor of `source`, stored at `from`, in our order to `to`, which
/// is zeroed: docs/quantization.md.
void repack(const WeightSource &source, const char *from, char *to);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_REPACKEDCODES_H
