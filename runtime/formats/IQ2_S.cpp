//===- IQ2_S.cpp - d * (2 s + 1) / 8 * numbers of a grid ------------------===//
//
// f16 d, 32 bytes of lower bits of places in the grid of 1024 entries of 8, 32
// bytes of signs, 8 of the places' upper two bits, then 8 bytes with s of two
// groups of 16, the first low.
//
//===----------------------------------------------------------------------===//

#include "GridBlocks.h"

namespace marimba::formats {

static constexpr int64_t kEntries = kHalf, kSigns = kEntries + kSuper / 8,
                         kTop = kSigns + kSuper / 8,
                         kScales = kTop + kSuper / 32,
                         kBytes = kScales + kSuper / 32;

static int steps(const char *block, int64_t group) {
  return halfScale(block + kScales, group);
}

static int upper(const char *block, int64_t i) {
  return readByte(block + kTop + i / 4) >> 2 * (i % 4) & 3;
}

static int64_t entry(const char *block, int64_t i) {
  return readByte(block + kEntries + i) | upper(block, i) << 8;
}

const Format kIQ2_S = {
    .name = "IQ2_S",
    .elements = kSuper,
    .bytes = kBytes,
    .widen = widenGrid<kBytes, Codebook::IQ2_S, 16, gridScale<1, steps>, entry,
                       signedNumber<signByte<kSigns>>>,
    .encoding = Encoding::ofGrid(CodeValues::IQ2_S),
    .parts = {Part{PartKind::Codes, readPlaces<8, entry>},
              Part{PartKind::HighBits, readUpper<8, 2, upper>},
              Part{PartKind::Signs, readSigns<signByte<kSigns>>},
              Part{PartKind::Scales, readHalves<16, steps>},
              Part{PartKind::SuperScales, copyHalf<0>}},
};

} // namespace marimba::formats
