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

static float scale(const char *block, int64_t group) {
  unsigned half = 0;
  for (int64_t i = 0; i < 4; ++i)
    half |= static_cast<unsigned>(word(block, i) >> 12) << 4 * i;
  int s = word(block, group / 4) >> 3 * (group % 4) & 7;
  return fromF16(static_cast<uint16_t>(half)) * static_cast<float>(2 * s + 1) *
         0.125F;
}

/// What belongs to entry `i` besides its lower bits.
static int top(const char *block, int64_t i) {
  return readByte(block + kTop + i / 2) >> 4 * (i % 2) & 15;
}

static int64_t entry(const char *block, int64_t i) {
  return readByte(block + i) | (top(block, i) & 7) << 8;
}

static int code(const char *block, int64_t i, int number) {
  return 8 * number + (top(block, i / 8) & 8 ? -1 : 1);
}

const Format kIQ1_M = {
    .name = "IQ1_M",
    .elements = kSuper,
    .bytes = kBytes,
    .widen = widenGrid<kBytes, Codebook::IQ1, 16, scale, entry, code>,
};

} // namespace marimba::formats
