//===- IQ2_XS.cpp - d * (2 s + 1) / 8 * numbers of a grid -----------------===//
//
// f16 d, 32 words of 16 bits, each 9 bits of a place in the grid of 512 entries
// of 8 and 7 bits of signs, then 8 bytes with s of two groups of 16, the first
// low.
//
//===----------------------------------------------------------------------===//

#include "GridBlocks.h"

namespace marimba::formats {

static constexpr int64_t kEntries = kHalf, kScales = kEntries + kSuper / 4,
                         kBytes = kScales + kSuper / 32;

static unsigned word(const char *block, int64_t i) {
  return readInteger<uint16_t>(block + kEntries + 2 * i);
}

static int steps(const char *block, int64_t group) {
  return halfScale(block + kScales, group);
}

static int64_t entry(const char *block, int64_t i) {
  return word(block, i) & 511;
}

static int upper(const char *block, int64_t i) {
  return static_cast<int>(word(block, i) >> 8 & 1);
}

static unsigned signs(const char *block, int64_t i) {
  return evenSigns(word(block, i) >> 9);
}

const Format kIQ2_XS = {
    .name = "IQ2_XS",
    .elements = kSuper,
    .bytes = kBytes,
    .widen = widenGrid<kBytes, Codebook::IQ2_XS, 16, gridScale<1, steps>, entry,
                       signedNumber<signs>>,
    .encoding = Encoding::ofGrid(CodeValues::IQ2_XS),
    .parts = {Part{PartKind::Codes, readPlaces<8, entry>},
              Part{PartKind::HighBits, readUpper<8, 1, upper>},
              Part{PartKind::Signs, readSigns<signs>},
              Part{PartKind::Scales, readHalves<16, steps>},
              Part{PartKind::SuperScales, copyHalf<0>}},
};

} // namespace marimba::formats
