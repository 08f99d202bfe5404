//===- Q6_K.cpp - d * s * (q - 32), q of 6 bits ---------------------------===//
//
// 128 bytes of the codes' low halves, 64 of their top two bits, 16 int8 s
// (groups of 16), f16 d. A byte of low halves has elements that are 64 apart.
//
//===----------------------------------------------------------------------===//

#include "SuperBlocks.h"

namespace marimba::formats {

static constexpr int64_t kTop = kSuper / 2, kScales = kTop + kSuper / 4,
                         kScale = kScales + kSuper / 16,
                         kBytes = kScale + kHalf;

static int subScale(const char *block, int64_t group) {
  return readSigned(block + kScales + group);
}

static int code(const char *block, int64_t i) {
  int low = readByte(block + i / 128 * 64 + i % 64) >> 4 * (i / 64 % 2) & 15;
  return (low | twoBits(block + kTop, i) << 4) - 32;
}

const Format kQ6_K = {
    .name = "Q6_K",
    .elements = kSuper,
    .bytes = kBytes,
    .widen =
        forBlocks<kBytes,
                  widenGroups<kSuper, 16, timesHalf<kScale, subScale>, code>,
                  kSuper>,
    .encoding =
        Encoding{
            .bits = 6, .group = 16, .scale = Scalar::F16, .superBlock = kSuper},
    .parts = {Part{PartKind::Codes, copyPlane<kSuper, 4, 0, 64>},
              Part{PartKind::HighBits, copyPlane<kSuper, 2, kTop, 32>},
              Part{PartKind::Scales, readGroups<kSuper / 16, subScale>},
              Part{PartKind::SuperScales, copyHalf<kScale>}},
};

} // namespace marimba::formats
