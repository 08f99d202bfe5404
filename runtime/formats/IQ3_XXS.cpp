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

static float scale(const char *block, int64_t group) {
  return 2 * eighths(block, static_cast<int>(word(block, group) >> 28));
}

static int64_t entry(const char *block, int64_t i) {
  return readByte(block + kEntries + i);
}

static int code(const char *block, int64_t i, int number) {
  unsigned seven = word(block, i / 32) >> 7 * (i / 8 % 4) & 127;
  return applySign(evenSigns(seven), i, number);
}

const Format kIQ3_XXS = {
    .name = "IQ3_XXS",
    .elements = kSuper,
    .bytes = kBytes,
    .widen = widenGrid<kBytes, Codebook::IQ3_XXS, 32, scale, entry, code>,
};

} // namespace marimba::formats
