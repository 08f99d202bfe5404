//===- Q3_K.cpp - d * (s - 32) * (q - 4), q of 3 bits ---------------------===//
//
// 32 bytes of the codes' top bits, 64 of their other bits, 12 bytes of 16
// scales of 6 bits (groups of 16), f16 d. Of the scales, 8 bytes have the low
// halves of two that are 8 apart, then 4 the upper two bits of four that are 4
// apart.
//
//===----------------------------------------------------------------------===//

#include "SuperBlocks.h"

namespace marimba::formats {

static constexpr int64_t kCodes = kSuper / 8, kScales = kCodes + kSuper / 4,
                         kScale = kScales + kSixBits, kBytes = kScale + kHalf;

static int subScale(const char *block, int64_t group) {
  const char *scales = block + kScales;
  int low = readByte(scales + group % 8) >> 4 * (group / 8) & 15;
  int high = readByte(scales + 8 + group % 4) >> 2 * (group / 4) & 3;
  return (low | high << 4) - 32;
}

static int code(const char *block, int64_t i) {
  return (twoBits(block + kCodes, i) | bitPlane(block, i) << 2) - 4;
}

const Format kQ3_K = {
    .name = "Q3_K",
    .elements = kSuper,
    .bytes = kBytes,
    .widen =
        forBlocks<kBytes,
                  widenGroups<kSuper, 16, timesHalf<kScale, subScale>, code>,
                  kSuper>,
    .encoding =
        Encoding{
            .bits = 3, .group = 16, .scale = Scalar::F16, .superBlock = kSuper},
    .parts = {Part{PartKind::Codes, copyPlane<kSuper, 2, kCodes, 32>},
              Part{PartKind::HighBits, copyPlane<kSuper, 1, 0, 32>},
              Part{PartKind::Scales, readGroups<kSuper / 16, subScale>},
              Part{PartKind::SuperScales, copyHalf<kScale>}},
};

} // namespace marimba::formats
