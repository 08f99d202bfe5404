//===- IQ1_M.cpp - d * (2 s + 1) * (numbers of a grid +- 1/8) -------------===//
//
// 32 bytes of lower bits of places in the grid of 2048 entries of 8, 16 bytes
// of which each half has the 3 upper bits of a place and a bit that is set
// where 1/8 is taken off, then 4 words of 16 bits: four times 3 bits s (groups
// of 16), and 4 bits of the f16 d, the lowest first. Codes are 8 times the
// numbers +- 1, scales an eighth of theirs.
//
//===----------------------------------------------------------------------===//

#include "GridBlocks.h"

namespace marimba::formats {

static constexpr int64_t kTop = kSuper / 8, kScales = kTop + kSuper / 16,
                         kBytes = kScales + kSuper / 32;

static int word(const char *block, int64_t i) {
  return readInteger<uint16_t>(block + kScales + 2 * i);
}

static void readScale(const char *block, char *to) {
  uint16_t half = 0;
  for (int64_t i = 0; i < 4; ++i)
    half |= static_cast<uint16_t>(word(block, i) >> 12 << 4 * i);
  std::memcpy(to, &half, kHalf);
}

static int steps(const char *block, int64_t group) {
  return word(block, group / 4) >> 3 * (group % 4) & 7;
}

static float scale(const char *block, int64_t group) {
  char d[kHalf];
  readScale(block, d);
  return eighths(d, steps(block, group));
}

/// What belongs to entry `i` besides its lower bits.
static int upper(const char *block, int64_t i) {
  return readByte(block + kTop + i / 2) >> 4 * (i % 2) & 15;
}

static int64_t entry(const char *block, int64_t i) {
  return readByte(block + i) | (upper(block, i) & 7) << 8;
}

const Format kIQ1_M = {
    .name = "IQ1_M",
    .elements = kSuper,
    .bytes = kBytes,
    .widen = widenGrid<kBytes, Codebook::IQ1, 16, scale, entry,
                       shiftedNumber<upper>>,
    .encoding = Encoding::ofGrid(CodeValues::IQ1_M),
    .parts = {Part{PartKind::Codes, readPlaces<8, entry>},
              Part{PartKind::HighBits, readUpper<8, 4, upper>},
              Part{PartKind::Scales, readHalves<16, steps>},
              Part{PartKind::SuperScales, readScale}},
};

} // namespace marimba::formats
