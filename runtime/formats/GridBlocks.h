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

/// A group's scale, `factor` eighths of d * (2 s + 1), where the block begins
/// with d.
template <int factor, int (*steps)(const char *, int64_t)>
float gridScale(const char *block, int64_t group) {
  return factor * eighths(block, steps(block, group));
}

/// The signs of numbers 8i to 8i + 7, which are byte `i` from `offset` on.
template <int64_t offset> unsigned signByte(const char *block, int64_t i) {
  return static_cast<unsigned>(readByte(block + offset + i));
}

/// Number `i` of a block of which signs(block, i / 8) are eight signs.
template <unsigned (*signs)(const char *, int64_t)>
int signedNumber(const char *block, int64_t i, int number) {
  return applySign(signs(block, i / 8), i, number);
}

/// Eight times number `i`, and one more or, where bit 3 of upper(block, i / 8)
/// is set, one less.
template <int (*upper)(const char *, int64_t)>
int shiftedNumber(const char *block, int64_t i, int number) {
  return 8 * number + (upper(block, i / 8) & 8 ? -1 : 1);
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

/// The entry of byte `byte` of word `word` of places (Layout).
template <int64_t width> int64_t entryOf(int64_t word, int64_t byte) {
  return width == 8 ? 4 * word + byte : word / 2 * 8 + 2 * byte + word % 2;
}

/// The lower eight bits of the places.
template <int64_t width, int64_t (*entry)(const char *, int64_t)>
void readPlaces(const char *block, char *to) {
  for (int64_t word = 0; word < kSuper / width / 4; ++word)
    for (int64_t byte = 0; byte < 4; ++byte)
      *to++ = static_cast<char>(entry(block, entryOf<width>(word, byte)));
}

/// `bits` bits of each entry, as words of high bits.
template <int64_t width, int bits, int (*upper)(const char *, int64_t)>
void readUpper(const char *block, char *to) {
  constexpr int64_t perWord = 8 / bits; // words of places
  for (int64_t first = 0; first < kSuper / width / 4; first += perWord)
    for (int64_t byte = 0; byte < 4; ++byte) {
      int made = 0;
      for (int64_t w = 0; w < perWord; ++w)
        made |= upper(block, entryOf<width>(first + w, byte)) << bits * w;
      *to++ = static_cast<char>(made);
    }
}

/// The signs of eight numbers each.
template <unsigned (*signs)(const char *, int64_t)>
void readSigns(const char *block, char *to) {
  for (int64_t i = 0; i < kSuper / 8; ++i)
    *to++ = static_cast<char>(signs(block, i));
}

/// Scales of 4 bits, of two groups in a byte.
template <int64_t groups, int (*steps)(const char *, int64_t)>
void readHalves(const char *block, char *to) {
  for (int64_t g = 0; g < groups; g += 2)
    *to++ = static_cast<char>(steps(block, g) | steps(block, g + 1) << 4);
}

} // namespace marimba::formats

#endif // MARIMBA_RUNTIME_FORMATS_GRIDBLOCKS_H
