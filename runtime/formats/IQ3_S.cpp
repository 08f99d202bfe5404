//===- IQ3_S.cpp - d * (2 s + 1) * numbers of a grid ----------------------===//
//
// f16 d, 64 bytes of lower bits of places in the grid of 512 entries of 4, 8 of
// their top bits, 32 of signs, then 4 bytes with s of two groups of 32, the
// first low.
//
//===----------------------------------------------------------------------===//

#include "GridBlocks.h"

namespace marimba::formats {

static constexpr int64_t kEntries = kHalf, kTop = kEntries + kSuper / 4,
                         kSigns = kTop + kSuper / 32,
                         kScales = kSigns + kSuper / 8,
                         kBytes = kScales + kSuper / 64;

static int steps(const char *block, int64_t group) {
  return halfScale(block + kScales, group);
}

static int upper(const char *block, int64_t i) {
  return readByte(block + kTop + i / 8) >> i % 8 & 1;
}

static int64_t entry(const char *block, int64_t i) {
  return readByte(block + kEntries + i) | upper(block, i) << 8;
}

const Format kIQ3_S = {
    .name = "IQ3_S",
    .elements = kSuper,
    .bytes = kBytes,
    .widen = widenGrid<kBytes, Codebook::IQ3_S, 32, gridScale<8, steps>, entry,
                       signedNumber<signByte<kSigns>>>,
    .encoding = Encoding::ofGrid(CodeValues::IQ3_S),
    .parts = {Part{PartKind::Codes, readPlaces<4, entry>},
              Part{PartKind::HighBits, readUpper<4, 1, upper>},
              Part{PartKind::Signs, readSigns<signByte<kSigns>>},
              Part{PartKind::Scales, readHalves<8, steps>},
              Part{PartKind::SuperScales, copyHalf<0>}},
};

} // namespace marimba::formats
