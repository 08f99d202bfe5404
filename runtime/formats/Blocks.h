//===- Blocks.h - What GGUF's simple formats share --------------*- C++ -*-===//
//
// Blocks of 32 elements: f16 scale d, in some an f16 minimum m, then codes.
// Codes of 4 bits are 16 bytes, of which byte i has element i in its low half
// and element 16 + i in its high one.
//
// Nothing is checked: all bytes stand for something. A scale or minimum that is
// NaN makes its elements NaN; an infinite one makes them infinite, or NaN where
// it is multiplied by 0 or meets another.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_FORMATS_BLOCKS_H
#define MARIMBA_RUNTIME_FORMATS_BLOCKS_H

#include "Formats.h"

#include <cstring>

namespace marimba::formats {

constexpr int64_t kBlock = 32; // elements
constexpr int64_t kHalf = 2;   // bytes of an f16

inline float readHalf(const char *at) { return loadScalar(at, Scalar::F16); }

/// The part that is the f16 at `offset` of each block.
template <int64_t offset> void copyHalf(const char *block, char *to) {
  std::memcpy(to, block + offset, kHalf);
}

inline int readByte(const char *at) { return static_cast<unsigned char>(*at); }
inline int readSigned(const char *at) { return static_cast<signed char>(*at); }
template <typename T> T readInteger(const char *at) {
  T value = 0;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

/// Element `i` of the 16 bytes at `codes`.
inline int nibble(const char *codes, int64_t i) {
  int byte = readByte(codes + i % 16);
  return i < 16 ? byte & 15 : byte >> 4;
}

/// Element `i` of 4 bytes of top bits, the first element's lowest, and then 16
/// bytes of the others.
inline int fiveBits(const char *codes, int64_t i) {
  auto top = readInteger<uint32_t>(codes);
  return nibble(codes + 4, i) | static_cast<int>(top >> i & 1) << 4;
}

/// `bits` bits from bit `shift` on of each of the bytes at `from`, one word of
/// Layout.
template <int bits> uint32_t packWord(const char *from, int shift) {
  constexpr uint32_t mask = 0x01010101U * ((1U << bits) - 1);
  uint32_t word = 0;
  for (int four = 0; four < 8 / bits; ++four)
    word |= (readInteger<uint32_t>(from + 4 * four) >> shift & mask)
            << bits * four;
  return word;
}

/// `bits` bits of each of the block's codes as words of Layout: they are in the
/// bytes from `offset` on, of which `run` hold those of `run` elements in their
/// lowest bits, of the next `run` above those, and so on.
template <int64_t elements, int bits, int64_t offset, int64_t run>
void copyPlane(const char *block, char *to) {
  constexpr int64_t perByte = 8 / bits, perWord = 32 / bits;
  static_assert(run % perWord == 0);
  for (int64_t first = 0; first < elements; first += perWord) {
    const char *from = block + offset + first / (run * perByte) * run;
    int shift = bits * static_cast<int>(first / run % perByte);
    uint32_t word = packWord<bits>(from + first % run, shift);
    std::memcpy(to + first / perWord * 4, &word, sizeof(word));
  }
}

/// The top bits of fiveBits(), at `offset` of the block, as a word of Layout.
template <int64_t offset> void copyTopBits(const char *block, char *to) {
  auto top = readInteger<uint32_t>(block + offset);
  uint32_t word = 0;
  for (int four = 0; four < 8; ++four) // a bit to each byte
    word |= ((top >> 4 * four & 15) * 0x00204081U & 0x01010101U) << four;
  std::memcpy(to, &word, sizeof(word));
}

/// Calls widen(block, its numbers) for each block.
template <int64_t bytes, void (*widen)(const char *block, float *to),
          int64_t elements = kBlock>
void forBlocks(const char *from, float *to, int64_t blocks) {
  for (int64_t i = 0; i < blocks; ++i)
    widen(from + i * bytes, to + i * elements);
}

/// The scale of all groups of a block: the f16 at `offset`.
template <int64_t offset> float halfOf(const char *block, int64_t) {
  return readHalf(block + offset);
}

/// The numbers of a block in groups that share a scale: scale(block, group) *
/// code(block, element).
template <int64_t elements, int64_t group,
          float (*scale)(const char *, int64_t),
          int (*code)(const char *, int64_t)>
void widenGroups(const char *block, float *to) {
  for (int64_t g = 0; g < elements / group; ++g) {
    float factor = scale(block, g);
    for (int64_t i = g * group; i < (g + 1) * group; ++i)
      to[i] = factor * static_cast<float>(code(block, i));
  }
}

/// Of groups that have a minimum, which is taken off, too.
template <
    int64_t elements, int64_t group, float (*scale)(const char *, int64_t),
    float (*minimum)(const char *, int64_t), int (*code)(const char *, int64_t)>
void widenGroups(const char *block, float *to) {
  for (int64_t g = 0; g < elements / group; ++g) {
    float factor = scale(block, g), less = minimum(block, g);
    for (int64_t i = g * group; i < (g + 1) * group; ++i)
      to[i] = factor * static_cast<float>(code(block, i)) - less;
  }
}

/// `bits` bits from bit `shift` on of each of the block's codes, as words of
/// Layout. `code` plus `center` has no sign.
template <int64_t elements, int bits, int shift,
          int (*code)(const char *, int64_t), int center = 0>
void readPlane(const char *block, char *to) {
  constexpr int64_t perWord = 32 / bits;
  for (int64_t first = 0; first < elements; first += perWord) {
    uint32_t word = 0;
    for (int64_t i = 0; i < perWord; ++i) {
      auto whole = static_cast<uint32_t>(code(block, first + i) + center);
      uint32_t part = whole >> shift & ((1U << bits) - 1);
      word |= part << (8 * (i % 4) + bits * (i / 4));
    }
    std::memcpy(to + first / perWord * 4, &word, sizeof(word));
  }
}

/// One byte of each group: its integer scale or minimum, or a scale of 8 bits.
template <int64_t groups, int (*integer)(const char *, int64_t)>
void readGroups(const char *block, char *to) {
  for (int64_t group = 0; group < groups; ++group)
    to[group] = static_cast<char>(integer(block, group));
}

/// The f16 at `offset` with the other sign: minimums are added to weights.
template <int64_t offset> void copyNegated(const char *block, char *to) {
  auto half = readInteger<uint16_t>(block + offset);
  half ^= 0x8000;
  std::memcpy(to, &half, kHalf);
}

} // namespace marimba::formats

#endif // MARIMBA_RUNTIME_FORMATS_BLOCKS_H
