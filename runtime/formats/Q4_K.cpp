//===- Q4_K.cpp - d * s * q - dmin * m, q of 4 bits -----------------------===//
//
// f16 d, f16 dmin, 12 bytes of 8 scales and 8 minimums of 6 bits (groups of
// 32), 128 bytes of q.
//
//===----------------------------------------------------------------------===//

#include "SuperBlocks.h"

namespace marimba::formats {

static constexpr int64_t kCodes = kAfterSixBits, kBytes = kCodes + kSuper / 2;

static int code(const char *block, int64_t i) {
  return fourBits(block + kCodes, i);
}

const Format kQ4_K = {
    .name = "Q4_K",
    .elements = kSuper,
    .bytes = kBytes,
    .widen = forBlocks<kBytes,
                       widenGroups<kSuper, 32, timesHalf<0, headScale>,
                                   timesHalf<kHalf, headMinimum>, code>,
                       kSuper>,
    .encoding = Encoding{.bits = 4,
                         .group = 32,
                         .offset = Offset::Minimum,
                         .scale = Scalar::F16,
                         .superBlock = kSuper},
    .parts = {Part{PartKind::Codes, copyPlane<kSuper, 4, kCodes, 32>},
              Part{PartKind::Scales, readGroups<kSuper / 32, headScale>},
              Part{PartKind::Minimums, readGroups<kSuper / 32, headMinimum>},
              Part{PartKind::SuperScales, copyHalf<0>},
              Part{PartKind::SuperMinimums, copyNegated<kHalf>}},
};

} // namespace marimba::formats
