//===- SuperBlocks.h - What GGUF's blocks of 256 share ----------*- C++ -*-===//
//
// Super-blocks of 256 elements in groups of 16 or 32. A group's scale is a
// small integer times the super-block's f16 d, its minimum one times the f16
// dmin.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_FORMATS_SUPERBLOCKS_H
#define MARIMBA_RUNTIME_FORMATS_SUPERBLOCKS_H

#include "Blocks.h"

namespace marimba::formats {

constexpr int64_t kSuper = 256; // elements

/// Bit i / 32 of byte i % 32: a top bit of element `i`.
inline int bitPlane(const char *bits, int64_t i) {
  return readByte(bits + i % 32) >> i / 32 & 1;
}
/// Element `i` of 64 bytes. Each has four elements that are 32 apart.
inline int twoBits(const char *codes, int64_t i) {
  return readByte(codes + i / 128 * 32 + i % 32) >> 2 * (i / 32 % 4) & 3;
}
/// Element `i` of 128 bytes. Each has two elements that are 32 apart.
inline int fourBits(const char *codes, int64_t i) {
  return readByte(codes + i / 64 * 32 + i % 32) >> 4 * (i / 32 % 2) & 15;
}

// 8 scales and 8 minimums of 6 bits in 12 bytes. Bytes 0 to 7 are the first
// four scales, then the first four minimums. Of the last four, their top bits
// hold the upper two, and bytes 8 to 11 the lower four: low halves the scales',
// high halves the minimums'.
constexpr int64_t kSixBits = 12; // bytes

inline int sixBitScale(const char *at, int64_t group) {
  if (group < 4)
    return readByte(at + group) & 63;
  return (readByte(at + 4 + group) & 15) | readByte(at + group - 4) >> 6 << 4;
}
inline int sixBitMinimum(const char *at, int64_t group) {
  if (group < 4)
    return readByte(at + 4 + group) & 63;
  return readByte(at + 4 + group) >> 4 | readByte(at + group) >> 6 << 4;
}

// Q4_K and Q5_K begin with f16 d, f16 dmin and such scales and minimums of
// groups of 32.
constexpr int64_t kAfterSixBits = 2 * kHalf + kSixBits;

inline int headScale(const char *block, int64_t group) {
  return sixBitScale(block + 2 * kHalf, group);
}
inline int headMinimum(const char *block, int64_t group) {
  return sixBitMinimum(block + 2 * kHalf, group);
}

/// A group's scale or minimum: its integer times the f16 at `offset`.
template <int64_t offset, int (*integer)(const char *, int64_t)>
float timesHalf(const char *block, int64_t group) {
  return readHalf(block + offset) * static_cast<float>(integer(block, group));
}

/// The f16 at `offset` for each half of a super-block: groups of kernels have
/// 128 inputs at most.
template <int64_t offset> void copyTwice(const char *block, char *to) {
  copyHalf<offset>(block, to);
  copyHalf<offset>(block, to + kHalf);
}

} // namespace marimba::formats

#endif // MARIMBA_RUNTIME_FORMATS_SUPERBLOCKS_H
