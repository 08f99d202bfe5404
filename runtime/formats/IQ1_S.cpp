//===- IQ1_S.cpp - d * (2 s + 1) * (numbers of a grid +- 1/8) -------------===//
//
// f16 d, 32 bytes of lower bits of places in the grid of 2048 entries of 8,
// then for each group of 32 elements 16 bits: four times 3 upper bits of the
// places, 3 bits s, a bit that is set where 1/8 is taken off. Codes are 8 times
// the numbers +- 1, scales an eighth of theirs.
//
//===----------------------------------------------------------------------===//

#include "GridBlocks.h"

namespace marimba::formats {

static constexpr int64_t kEntries = kHalf, kTop = kEntries + kSuper / 8,
                         kBytes = kTop + kSuper / 16;

static int word(const char *block, int64_t group) {
  return readInteger<uint16_t>(block + kTop + 2 * group);
}

static int steps(const char *block, int64_t group) {
  return word(block, group) >> 12 & 7;
}

/// The 3 upper bits of the place and the group's bit.
static int upper(const char *block, int64_t i) {
  int top = word(block, i / 4);
  return (top >> 3 * (i % 4) & 7) | top >> 15 << 3;
}

static int64_t entry(const char *block, int64_t i) {
  return readByte(block + kEntries + i) | (upper(block, i) & 7) << 8;
}

const Format kIQ1_S = {
    .name = "IQ1_S",
    .elements = kSuper,
    .bytes = kBytes,
    .widen = widenGrid<kBytes, Codebook::IQ1, 32, gridScale<1, steps>, entry,
                       shiftedNumber<upper>>,
    .encoding = Encoding::ofGrid(CodeValues::IQ1_S),
    .parts = {Part{PartKind::Codes, readPlaces<8, entry>},
              Part{PartKind::HighBits, readUpper<8, 4, upper>},
              Part{PartKind::Scales, readHalves<8, steps>},
              Part{PartKind::SuperScales, copyHalf<0>}},
};

} // namespace marimba::formats
