//===- Layout.h - Quantised matrices as kernels read them -------*- C++ -*-===//
//
// docs/quantization.md specifies it. All who read or write such a matrix ask
// here where its parts are: importer, quantiser, runtime and generated code.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_FORMATS_LAYOUT_H
#define MARIMBA_FORMATS_LAYOUT_H

#include "marimba/formats/Codebooks.h"
#include "marimba/formats/Scalar.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace marimba::formats {

/// What belongs to a group of codes besides its scale: an integer that is taken
/// off each code, or a number of the scale's type that is added to each weight.
enum class Offset { None, ZeroPoint, Minimum };

/// What a code stands for before it is scaled.
///
///   Integer  itself
///   E2M1     a number of 4 bits with a sign, two bits of exponent and one of
///            fraction: 0, 0.5, 1, 1.5, 2, 3, 4, 6 (OCP Microscaling formats)
///   IQ4_NL   one of sixteen integers of 8 bits that lie closer around 0
///            (ggml, kvalues_iq4nl)
///   E4M3     a number of 8 bits with a sign, four bits of exponent and three
///            of fraction, without infinities (OCP 8-bit floating point)
///   IQ...    one of 8 or 4 integers of an entry of ggml's table of that name
///            (Codebooks.h): what is stored is the entry's place
enum class CodeValues {
  Integer,
  E2M1,
  IQ4_NL,
  E4M3,
  IQ1_S,
  IQ1_M,
  IQ2_XXS,
  IQ2_XS,
  IQ2_S,
  IQ3_XXS,
  IQ3_S
};

/// The names that #marimba.quantized and descriptions have for them.
std::string_view codeValuesName(CodeValues values);
std::optional<CodeValues> parseCodeValues(std::string_view name);

/// The sixteen integers that codes of 4 bits stand for: IQ4_NL's values, twice
/// E2M1's. Null where codes are numbers themselves.
const signed char *codeTable(CodeValues values);

/// How entries of a codebook stand for numbers: number i of an entry is
/// grid.at(entry, i), with a sign of its own or, where a bit of the entry says
/// so, in another place; scales are of 4 bits, s: (2 s + 1) * unit.
struct GridCodes {
  Codebook book;
  int bits;      // of a number, about
  int64_t group; // inputs that share a scale
  int64_t width; // of entries
  int upperBits; // of an entry besides the lower eight of its place
  bool signs;    // a bit for each number
  /// Of IQ1: numbers are 8 times the table's plus 1, less 2 where the last of
  /// the upper bits is set.
  bool shifted;
  float unit;
};

/// From CodeValues::IQ1_S on.
inline constexpr GridCodes kGridCodes[] = {
    // book, bits, group, width, upper bits, signs, shifted, unit
    {Codebook::IQ1, 1, 32, 8, 4, false, true, 0.125F},
    {Codebook::IQ1, 1, 16, 8, 4, false, true, 0.125F},
    {Codebook::IQ2_XXS, 2, 32, 8, 0, true, false, 0.125F},
    {Codebook::IQ2_XS, 2, 16, 8, 1, true, false, 0.125F},
    {Codebook::IQ2_S, 2, 16, 8, 2, true, false, 0.125F},
    {Codebook::IQ3_XXS, 3, 32, 4, 0, true, false, 0.25F},
    {Codebook::IQ3_S, 3, 32, 4, 1, true, false, 1}};

/// Null where codes are no places in a codebook.
constexpr const GridCodes *gridCodes(CodeValues values) {
  return values < CodeValues::IQ1_S
             ? nullptr
             : kGridCodes + (static_cast<int>(values) -
                             static_cast<int>(CodeValues::IQ1_S));
}

/// The table of a codebook with the integers that its codes stand for: the
/// words of codebook(), with IQ1's numbers times 8 plus 1. Empty of others.
std::vector<uint32_t> gridWords(CodeValues values);

/// How codes stand for numbers; #marimba.quantized is this as an attribute.
///
///   bits    offset     weight
///   8       None       code * scale               codes -128 to 127
///   3 to 6  None       (code - 2^(bits-1)) * scale
///   2       None       (code - 1) * scale
///   8       ZeroPoint  (code - zero) * scale      both -128 to 127
///   2 to 6  ZeroPoint  (code - zero) * scale      both from 0 on
///   any     Minimum    code * scale + minimum
///
/// With `values`, which has no zero points, it is values[code] * scale. With
/// super-blocks a group's scale is an integer of one byte, -128 to 127, times
/// the scale of its super-block, and its minimum an integer from 0 to 127
/// times the minimum of its super-block.
///
/// Codes of codebooks are places of entries; super-blocks, groups and bits are
/// GridCodes'.
struct Encoding {
  int bits = 4;       // 8, 6, 5, 4, 3, 2 or, of codebooks, 1
  int64_t group = 64; // inputs that share a scale; 0: all of a channel
  Offset offset = Offset::None;
  Scalar scale = Scalar::BF16; // of groups or, with them, of super-blocks
  CodeValues values = CodeValues::Integer;
  int64_t superBlock = 0; // inputs of one, whole groups; 0: there are none

  bool operator==(const Encoding &) const = default;

  /// Of GGUF's format with such a codebook.
  static constexpr Encoding ofGrid(CodeValues values) {
    const GridCodes &codes = *gridCodes(values);
    return {codes.bits, codes.group, Offset::None, Scalar::F16, values, 256};
  }
  /// Null where codes are no places in a codebook.
  constexpr const GridCodes *grid() const { return gridCodes(values); }
  constexpr bool hasGrid() const { return values >= CodeValues::IQ1_S; }

  /// Bits of a code in the words of codes; the others are in those of high
  /// bits. Not of codebooks, of which a word has four entries.
  constexpr int lowBits() const { return bits == 8 ? 8 : bits >= 4 ? 4 : 2; }
  constexpr int highBits() const { return hasGrid() ? 0 : bits - lowBits(); }
  /// Codes of which a word of 32 bits has the low bits.
  constexpr int64_t codesPerWord() const {
    return hasGrid() ? 4 * grid()->width : 32 / lowBits();
  }
  /// Codes of which a word of 32 bits has the high bits; 0 where codes have
  /// none.
  constexpr int64_t codesPerHighWord() const {
    if (!hasGrid())
      return highBits() ? 32 / highBits() : 0;
    int upper = grid()->upperBits;
    return upper ? 32 / upper * grid()->width : 0;
  }
  /// Inputs after which words of codes and of high bits begin together: those
  /// of one word of either. Of codebooks: of a word of signs.
  constexpr int64_t step() const {
    if (hasGrid())
      return 32;
    return highBits() ? 32 / highBits() : codesPerWord();
  }
  /// Groups of which a byte has the scales.
  constexpr int64_t scalesPerByte() const { return hasGrid() ? 2 : 1; }
  /// Whether a code is a signed number.
  constexpr bool isSigned() const {
    return bits == 8 && values == CodeValues::Integer;
  }
  /// Whether codes, or what they stand for, are integers of 8 bits.
  constexpr bool hasIntegers() const { return values != CodeValues::E4M3; }
  /// What is taken off all codes.
  constexpr int center() const {
    if (bits == 8 || offset != Offset::None || values != CodeValues::Integer)
      return 0;
    return bits == 2 ? 1 : 1 << (bits - 1);
  }
};

/// A part of a quantised matrix. Zeros and Minimums are what Offset says.
enum class PartKind {
  Codes,
  HighBits,
  Signs,
  Scales,
  Zeros,
  Minimums,
  SuperScales,
  SuperMinimums
};

/// "codes", "high_bits", "signs", "scales", "zeros", "minimums",
/// "super_scales", "super_minimums": behind a dot, the tensor's name.
std::string_view partName(PartKind kind);
/// Whether it has words of 32 bits.
constexpr bool isWords(PartKind kind) { return kind <= PartKind::Signs; }
/// All of them, in the order in which a matrix has them.
std::span<const PartKind> allParts();

/// Where a matrix [channels, inputs], or a stack of them, is in memory. All of
/// one matrix is together, part after part:
///
///   codes           [blocks, words, 64] words of 32 bits
///   high bits       [blocks, high words, 64] likewise
///   signs           [blocks, inputs / 32, 64] likewise
///   scales          [blocks, groups, 64] of Encoding::scale, or bytes
///   zeros           [blocks, groups, 64] bytes, or
///   minimums        [blocks, groups, 64] of Encoding::scale, or bytes
///   super_scales    [blocks, super-blocks, 64] of Encoding::scale
///   super_minimums  likewise
///
/// A word has p bits of each of 32 / p inputs of a channel: p is
/// Encoding::lowBits() in codes, highBits() in high bits. Bits p*f to p*f+p-1
/// of its byte j are those of input 4f + j, so that a shift and a mask make
/// the bytes of four inputs.
///
/// Of codebooks byte j of a word of codes has the lower eight bits of a place.
/// Entries of 8 numbers follow each other. Of entries of 4, of which 32 inputs
/// have two words, word w has entries 2j + w, so that byte j always belongs to
/// inputs 8j to 8j + 7. A word of high bits has the p upper bits of four
/// entries for each of the following words of codes: of word f bits p*f to
/// p*f+p-1 of its byte j. Bit i of a word of signs is set where number i is
/// negative. A byte of scales has those of two groups, the first low.
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
  int64_t supers = 0;               // super-blocks of a channel

  /// Whether a channel's sum of codes and its one scale are all that products
  /// of bytes need.
  bool hasChannelScales() const {
    return encoding.isSigned() && groups == 1 && supers == 0 &&
           encoding.offset == Offset::None;
  }
  /// Words of codes, and of high bits, of a channel.
  int64_t words() const { return depth / encoding.codesPerWord(); }
  int64_t highWords() const {
    int64_t per = encoding.codesPerHighWord();
    return per ? depth / per : 0;
  }

  /// The parts of a matrix, in their order: two to six.
  std::vector<PartKind> parts() const;
  int64_t partCount() const { return static_cast<int64_t>(parts().size()); }
  bool hasPart(PartKind kind) const;
  /// Bytes of an element of the part, or of a word.
  int64_t partUnit(PartKind kind) const;
  /// How many of those a channel has: words, groups or super-blocks.
  int64_t perChannel(PartKind kind) const;
  /// Of one matrix; 0 where it has no such part.
  int64_t partBytes(PartKind kind) const;
  /// The part's shape in a file: [blocks, perChannel, 64], of words
  /// [blocks, perChannel, 64, 4].
  std::vector<int64_t> partShape(PartKind kind) const;
  /// The type of the part's elements, as safetensors spells it.
  std::string_view partType(PartKind kind) const;
  /// Bytes from the beginning of a matrix to the part.
  int64_t partOffset(PartKind kind) const;
  int64_t codeBytes() const { return partBytes(PartKind::Codes); }
  int64_t scaleBytes() const { return partBytes(PartKind::Scales); }
  /// Of zeros or minimums.
  int64_t offsetBytes() const;
  int64_t matrixBytes() const;
  /// Of all matrices.
  int64_t bytes() const { return matrices * matrixBytes(); }

  /// Where index `index` of a channel is in [blocks, count, 64]: of its words
  /// (count = words()), of its groups (count = groups).
  static constexpr int64_t placeOf(int64_t channel, int64_t index,
                                   int64_t count) {
    return (channel / kChannels * count + index) * kChannels +
           channel % kChannels;
  }
  /// The byte of the codes that holds a code's low bits, and the bit at which
  /// they begin.
  int64_t codePlace(int64_t channel, int64_t input) const {
    int64_t perWord = encoding.codesPerWord();
    return placeOf(channel, input / perWord, words()) * 4 + input % 4;
  }
  int codeShift(int64_t input) const {
    int64_t four = input % encoding.codesPerWord() / 4;
    return static_cast<int>(four) * encoding.lowBits();
  }
  /// The same of its high bits.
  int64_t highPlace(int64_t channel, int64_t input) const {
    return placeOf(channel, input / encoding.step(), highWords()) * 4 +
           input % 4;
  }
  int highShift(int64_t input) const {
    int64_t four = input % encoding.step() / 4;
    return static_cast<int>(four) * encoding.highBits();
  }
  /// Of codebooks: the word of a channel's codes that has the input's entry.
  int64_t gridWord(int64_t input) const {
    if (encoding.codesPerWord() == 32)
      return input / 32;
    return input / 32 * 2 + input / 4 % 2;
  }
  int64_t superPlace(int64_t channel, int64_t input) const {
    return placeOf(channel, input / encoding.superBlock, supers);
  }
  int64_t groupPlace(int64_t channel, int64_t input) const {
    return placeOf(channel, input / group, groups);
  }
};

/// The numbers of one matrix, row-major [channels, inputs], exactly what its
/// parts stand for: the reference. `parts` begin where each of layout.parts()
/// does.
std::vector<float> widenMatrix(const Layout &layout,
                               const std::vector<const char *> &parts);
/// The same of the whole matrix at `matrix`.
std::vector<float> widenMatrix(const Layout &layout, const char *matrix);

} // namespace marimba::formats

#endif // MARIMBA_FORMATS_LAYOUT_H
