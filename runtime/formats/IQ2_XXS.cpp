//===- IQ2_XXS.cpp - d * (2 s + 1) / 8 * numbers of a grid ----------------===//
//
// f16 d, then for each group of 32 elements 4 bytes that are places in the grid
// of 256 entries of 8, and a word: four times 7 bits of signs, 4 bits s.
//
//===----------------------------------------------------------------------===//

#include "GridBlocks.h"

namespace marimba::formats {

static constexpr int64_t kBytes = kHalf + kSuper / 4;

static uint32_t word(const char *block, int64_t group) {
  return readInteger<uint32_t>(block + kHalf + 8 * group + 4);
}

static int steps(const char *block, int64_t group) {
  return static_cast<int>(word(block, group) >> 28);
}

static int64_t entry(const char *block, int64_t i) {
  return readByte(block + kHalf + i / 4 * 8 + i % 4);
}

static unsigned signs(const char *block, int64_t i) {
  return evenSigns(word(block, i / 4) >> 7 * (i % 4) & 127);
}

const Format kIQ2_XXS = {
    .name = "IQ2_XXS",
    .elements = kSuper,
    .bytes = kBytes,
    .widen = widenGrid<kBytes, Codebook::IQ2_XXS, 32, gridScale<1, steps>,
                       entry, signedNumber<signs>>,
    .encoding = Encoding::ofGrid(CodeValues::IQ2_XXS),
    .parts = {Part{PartKind::Codes, readPlaces<8, entry>},
              Part{PartKind::Signs, readSigns<signs>},
              Part{PartKind::Scales, readHalves<8, steps>},
              Part{PartKind::SuperScales, copyHalf<0>}},
};

} // namespace marimba::formats
