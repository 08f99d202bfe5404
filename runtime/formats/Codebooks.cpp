//===- Codebooks.cpp - Numbers that codes of GGUF look up -----------------===//

#include "marimba/formats/Codebooks.h"

#include "GridsIQ1.h"
#include "GridsIQ2.h"
#include "GridsIQ3.h"

#include <cstddef>

namespace marimba::formats {

/// The words of Grid, from entries of `width` numbers of the levels' bits.
template <int64_t width, size_t levelCount, size_t entries>
static constexpr std::array<uint32_t, entries * width / 4>
unpackGrid(const uint16_t (&packed)[entries],
           const std::array<int8_t, levelCount> &levels) {
  constexpr auto bits = std::bit_width(levelCount - 1);
  std::array<uint32_t, entries * width / 4> words{};
  for (size_t i = 0; i < words.size() * 4; ++i) {
    size_t level = packed[i / width] >> bits * (i % width) & ((1U << bits) - 1);
    words[i / 4] |= uint32_t(uint8_t(levels[level])) << 8 * (i % 4);
  }
  return words;
}

static constexpr std::array<int8_t, 3> kLevelsIQ1 = {-1, 0, 1};
static constexpr std::array<int8_t, 3> kLevelsIQ2 = {8, 25, 43};
static constexpr std::array<int8_t, 8> kLevelsIQ3_XXS = {4,  12, 20, 28,
                                                         36, 44, 52, 62};
static constexpr std::array<int8_t, 8> kLevelsIQ3_S = {1, 3,  5,  7,
                                                       9, 11, 13, 15};

static constexpr auto kIQ1 = unpackGrid<8>(kPackedIQ1, kLevelsIQ1);
static constexpr auto kIQ2_XXS = unpackGrid<8>(kPackedIQ2_XXS, kLevelsIQ2);
static constexpr auto kIQ2_XS = unpackGrid<8>(kPackedIQ2_XS, kLevelsIQ2);
static constexpr auto kIQ2_S = unpackGrid<8>(kPackedIQ2_S, kLevelsIQ2);
static constexpr auto kIQ3_XXS = unpackGrid<4>(kPackedIQ3_XXS, kLevelsIQ3_XXS);
static constexpr auto kIQ3_S = unpackGrid<4>(kPackedIQ3_S, kLevelsIQ3_S);

Grid codebook(Codebook name) {
  switch (name) {
  case Codebook::IQ1:
    return {kIQ1, 8};
  case Codebook::IQ2_XXS:
    return {kIQ2_XXS, 8};
  case Codebook::IQ2_XS:
    return {kIQ2_XS, 8};
  case Codebook::IQ2_S:
    return {kIQ2_S, 8};
  case Codebook::IQ3_XXS:
    return {kIQ3_XXS, 4};
  case Codebook::IQ3_S:
    return {kIQ3_S, 4};
  }
  return {};
}

} // namespace marimba::formats
