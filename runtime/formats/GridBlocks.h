//===- GridBlocks.h - What GGUF's formats with grids share ------*- C++ -*-===//
//
// Super-blocks of 256 elements that store, for each 8 or 4 of them, an entry of
// a table of numbers.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_FORMATS_GRIDBLOCKS_H
#define MARIMBA_RUNTIME_FORMATS_GRIDBLOCKS_H

#include "SuperBlocks.h"
#include "marimba/formats/Codebooks.h"

namespace marimba::formats {

/// `number`, or less it where bit i % 8 of `signs` is set.
inline int applySign(unsigned signs, int64_t i, int number) {
  return signs >> i % 8 & 1 ? -number : number;
}

// Scales of 4 bits in halves of bytes, the first low.
inline int halfScale(const char *scales, int64_t group) {
  return readByte(scales + group / 2) >> 4 * (group % 2) & 15;
}
/// d * (2 s + 1) / 8, of which the scales of all of them are multiples.
inline float eighths(const char *d, int s) {
  return readHalf(d) * static_cast<float>(2 * s + 1) * 0.125F;
}

/// Widens blocks: element i is scale(block, i / group) times the integer
/// code(block, i, number), where the number is of entry(block, i / width) of
/// the table.
template <int64_t bytes, Codebook table, int64_t group,
          float (*scale)(const char *, int64_t),
          int64_t (*entry)(const char *, int64_t),
          int (*code)(const char *, int64_t, int)>
void widenGrid(const char *from, float *to, int64_t blocks) {
  Grid grid = codebook(table);
  for (const char *block = from; block != from + blocks * bytes; block += bytes)
    for (int64_t i = 0; i < kSuper; i += grid.width) {
      float factor = scale(block, i / group);
      int64_t at = entry(block, i / grid.width);
      for (int64_t j = 0; j < grid.width; ++j)
        *to++ = factor * static_cast<float>(code(block, i + j, grid.at(at, j)));
    }
}

} // namespace marimba::formats

#endif // MARIMBA_RUNTIME_FORMATS_GRIDBLOCKS_H
