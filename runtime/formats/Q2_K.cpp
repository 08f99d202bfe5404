//===- Q2_K.cpp - d * s * q - dmin * m, q of 2 bits -----------------------===//
//
// 16 bytes of s, in the low half, and m (groups of 16), 64 bytes of q, f16 d,
// f16 dmin.
//
//===----------------------------------------------------------------------===//

#include "SuperBlocks.h"

namespace marimba::formats {

static constexpr int64_t kCodes = kSuper / 16, kScale = kCodes + kSuper / 4,
                         kMinimum = kScale + kHalf, kBytes = kMinimum + kHalf;

static int subScale(const char *block, int64_t group) {
  return readByte(block + group) & 15;
}

static int subMinimum(const char *block, int64_t group) {
  return readByte(block + group) >> 4;
}

static int code(const char *block, int64_t i) {
  return twoBits(block + kCodes, i);
}

const Format kQ2_K = {
    .name = "Q2_K",
    .elements = kSuper,
    .bytes = kBytes,
    .widen = forBlocks<kBytes,
                       widenGroups<kSuper, 16, timesHalf<kScale, subScale>,
                                   timesHalf<kMinimum, subMinimum>, code>,
                       kSuper>,
    .encoding = Encoding{.bits = 2,
                         .group = 16,
                         .offset = Offset::Minimum,
                         .scale = Scalar::F16,
                         .superBlock = kSuper},
    .parts = {Part{PartKind::Codes, copyPlane<kSuper, 2, kCodes, 32>},
              Part{PartKind::Scales, readGroups<kSuper / 16, subScale>},
              Part{PartKind::Minimums, readGroups<kSuper / 16, subMinimum>},
              Part{PartKind::SuperScales, copyHalf<kScale>},
              Part{PartKind::SuperMinimums, copyNegated<kMinimum>}},
};

} // namespace marimba::formats
