//===- IQ3_XXS.cpp - d * (2 s + 1) / 4 * numbers of a grid ----------------===//
//
// f16 d, 64 bytes that are places in the grid of 256 entries of 4, then for
// each group of 32 elements a word: four times 7 bits of signs, 4 bits s.
//
//===----------------------------------------------------------------------===//

#include "GridBlocks.h"

namespace marimba::formats {

static constexpr int64_t kEntries = kHalf, kWords = kEntries + kSuper / 4,
                         kBytes = kWords + kSuper / 8;

static uint32_t word(const char *block, int64_t group) {
  return readInteger<uint32_t>(block + kWords + 4 * group);
}

static int steps(const char *block, int64_t group) {
  return static_cast<int>(word(block, group) >> 28);
}

static int64_t entry(const char *block, int64_t i) {
  return readByte(block + kEntries + i);
}

static unsigned signs(const char *block, int64_t i) {
  return evenSigns(word(block, i / 4) >> 7 * (i % 4) & 127);
}

const Format kIQ3_XXS = {
    .name = "IQ3_XXS",
    .elements = kSuper,
    .bytes = kBytes,
    .widen = widenGrid<kBytes, Codebook::IQ3_XXS, 32, gridScale<2, steps>,
                       entry, signedNumber<signs>>,
    .encoding = Encoding::ofGrid(CodeValues::IQ3_XXS),
    .parts = {Part{PartKind::Codes, readPlaces<4, entry>},
              Part{PartKind::Signs, readSigns<signs>},
              Part{PartKind::Scales, readHalves<8, steps>},
              Part{PartKind::SuperScales, copyHalf<0>}},
};

} // namespace marimba::formats
