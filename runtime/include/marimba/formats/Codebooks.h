//===- Codebooks.h - Numbers that codes of GGUF look up ---------*- C++ -*-===//
//
// Formats with a codebook store places in a table in place of numbers. Who
// reads such codes, generated code as well, has the tables from here.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_FORMATS_CODEBOOKS_H
#define MARIMBA_FORMATS_CODEBOOKS_H

#include <array>
#include <bit>
#include <cstdint>
#include <span>

namespace marimba::formats {

/// What the codes of IQ4_NL and IQ4_XS stand for.
inline constexpr std::array<int8_t, 16> kValuesIQ4NL = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// Twice what a number of type E2M1 (OCP Microscaling Formats v1.0, 5.3.3)
/// stands for: sign, two bits of exponent, one of mantissa.
inline constexpr std::array<int8_t, 16> kTwiceE2M1 = {
    0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// Tables of several numbers an entry.
enum class Codebook { IQ1, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S };

/// A table of `words.size() * 4 / width` entries of `width` signed bytes each,
/// 8 or 4: entry i is the words from i * width / 4, its first number the lowest
/// byte of the first of them.
struct Grid {
  std::span<const uint32_t> words;
  int64_t width;

  constexpr int64_t entries() const {
    return static_cast<int64_t>(words.size()) * 4 / width;
  }
  /// Number `i` of an entry.
  constexpr int at(int64_t entry, int64_t i) const {
    uint32_t word = words[static_cast<size_t>(entry * width / 4 + i / 4)];
    return static_cast<int8_t>(word >> 8 * (i % 4));
  }
};

/// The numbers are -1 to 1 (IQ1), 8, 25 or 43 (IQ2), at most 62 (IQ3).
Grid codebook(Codebook name);

/// The signs of eight numbers (bit i: number i is negative) of which seven are
/// stored: an even number of them is negative (IQ2_XXS, IQ2_XS, IQ3_XXS).
constexpr unsigned evenSigns(unsigned seven) {
  return seven | (static_cast<unsigned>(std::popcount(seven)) & 1) << 7;
}

} // namespace marimba::formats

#endif // MARIMBA_FORMATS_CODEBOOKS_H
