//===- Layout.h - Quantised matrices as kernels read them -------*- C++ -*-===//
//
// docs/quantization.md specifies it. All who read or write such a matrix ask
// here where its parts are: importer, quantiser, runtime and generated code.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_FORMATS_LAYOUT_H
#define MARIMBA_FORMATS_LAYOUT_H

#include "marimba/formats/Scalar.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace marimba::formats {

/// What belongs to a group of codes besides its scale: an integer that is taken
/// off each code, or a number of the scale's type that is added to each weight.
enum class Offset { None, ZeroPoint, Minimum };

/// How codes stand for numbers; #marimba.quantized is this as an attribute.
///
///   bits  offset     weight
///   8     None       code * scale               codes -128 to 127
///   4     None       (code - 8) * scale         codes 0 to 15
///   4     ZeroPoint  (code - zero) * scale
///   8, 4  Minimum    code * scale + minimum
struct Encoding {
  int bits = 4;       // 8 or 4
  int64_t group = 64; // inputs that share a scale; 0: all of a channel
  Offset offset = Offset::None;
  Scalar scale = Scalar::BF16;

  bool operator==(const Encoding &) const = default;

  /// Codes in a word of 32 bits.
  constexpr int64_t codesPerWord() const { return 32 / bits; }
  /// Whether a code is a signed number.
  constexpr bool isSigned() const { return bits == 8; }
  /// What is taken off all codes.
  constexpr int center() const {
    return bits == 4 && offset == Offset::None ? 8 : 0;
  }
};

/// A part of a quantised matrix. Zeros and Minimums are what Offset says.
enum class PartKind { Codes, Scales, Zeros, Minimums };

/// "codes", "scales", "zeros", "minimums": behind a dot, the tensor's name.
std::string_view partName(PartKind kind);

/// Where a matrix [channels, inputs], or a stack of them, is in memory. All of
/// one matrix is together, part after part:
///
///   codes     [blocks, words, 64] words of 32 bits, i.e.
///             8 bits: [blocks, depth / 4, 64, 4] bytes
///             4 bits: [blocks, depth / 8, 64, 4] bytes; byte j of a word holds
///                     input j of its eight in the low half, j + 4 in the high
///   scales    [blocks, groups, 64] of Encoding::scale
///   zeros     [blocks, groups, 64] bytes, or
///   minimums  [blocks, groups, 64] of Encoding::scale
///
/// Padding stands for 0. Nothing here checks for overflow: ask fits() first of
/// sizes that come from a file.
struct Layout {
  static constexpr int64_t kChannels = 64; // of a block
  static constexpr int64_t kDepth = 64;    // K is padded to a multiple

  static Layout of(const Encoding &encoding, int64_t channels, int64_t inputs,
                   int64_t matrices = 1);
  /// Whether the sizes are positive, of at most 2^44 elements together: then
  /// all that follows from them fits 64 bits.
  static bool fits(int64_t channels, int64_t inputs, int64_t matrices = 1);

  Encoding encoding;
  int64_t matrices = 1;
  int64_t channels = 0, inputs = 0; // N, K
  int64_t blocks = 0;               // of 64 channels
  int64_t depth = 0;                // K with its padding
  int64_t group = 0;                // inputs of one: `depth` where it is all
  int64_t groups = 0;               // of a channel

  /// Whether a channel's sum of codes and its one scale are all that products
  /// of bytes need.
  bool hasChannelScales() const {
    return encoding.bits == 8 && groups == 1 && encoding.offset == Offset::None;
  }
  /// Words of a channel.
  int64_t words() const { return depth / encoding.codesPerWord(); }

  /// The parts of a matrix, in their order: two or three.
  std::vector<PartKind> parts() const;
  int64_t partCount() const { return encoding.offset == Offset::None ? 2 : 3; }
  /// Of one matrix; 0 where it has no such part.
  int64_t partBytes(PartKind kind) const;
  /// The part's shape in a file: [blocks, words, 64, 4] or [blocks, groups,
  /// 64].
  std::vector<int64_t> partShape(PartKind kind) const;
  /// The type of the part's elements, as safetensors spells it.
  std::string_view partType(PartKind kind) const;
  /// Bytes from the beginning of a matrix to the part.
  int64_t partOffset(PartKind kind) const;
  int64_t codeBytes() const { return partBytes(PartKind::Codes); }
  int64_t scaleBytes() const { return partBytes(PartKind::Scales); }
  int64_t offsetBytes() const;
  int64_t matrixBytes() const {
    return codeBytes() + scaleBytes() + offsetBytes();
  }
  /// Of all matrices.
  int64_t bytes() const { return matrices * matrixBytes(); }

  /// Where index `index` of a channel is in [blocks, count, 64]: of its words
  /// (count = words()), of its groups (count = groups).
  static constexpr int64_t placeOf(int64_t channel, int64_t index,
                                   int64_t count) {
    return (channel / kChannels * count + index) * kChannels +
           channel % kChannels;
  }
  /// The byte of the codes that holds a code, and the bit at which it begins.
  int64_t codePlace(int64_t channel, int64_t input) const {
    int64_t perWord = encoding.codesPerWord();
    return placeOf(channel, input / perWord, words()) * 4 + input % 4;
  }
  int codeShift(int64_t input) const {
    return encoding.bits == 4 && input % 8 >= 4 ? 4 : 0;
  }
  int64_t groupPlace(int64_t channel, int64_t input) const {
    return placeOf(channel, input / group, groups);
  }
};

/// The numbers of one matrix, row-major [channels, inputs], exactly what its
/// parts stand for: the reference. `offsets` are its zeros or minimums and may
/// be null where it has none.
std::vector<float> widenMatrix(const Layout &layout, const char *codes,
                               const char *scales, const char *offsets);

} // namespace marimba::formats

#endif // MARIMBA_FORMATS_LAYOUT_H
