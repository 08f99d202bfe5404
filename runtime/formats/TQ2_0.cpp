//===- TQ2_0.cpp - d * (q - 1), q of 2 bits -------------------------------===//
//
// 64 bytes of q, f16 d.
//
//===----------------------------------------------------------------------===//

#include "SuperBlocks.h"

namespace marimba::formats {

static constexpr int64_t kScale = kSuper / 4, kBytes = kScale + kHalf;

static int code(const char *block, int64_t i) { return twoBits(block, i) - 1; }

const Format kTQ2_0 = {
    .name = "TQ2_0",
    .elements = kSuper,
    .bytes = kBytes,
    .widen =
        forBlocks<kBytes, widenGroups<kSuper, kSuper, halfOf<kScale>, code>,
                  kSuper>,
    .encoding = Encoding{.bits = 2, .group = kSuper / 2, .scale = Scalar::F16},
    .parts = {Part{PartKind::Codes, copyPlane<kSuper, 2, 0, 32>},
              Part{PartKind::Scales, copyTwice<kScale>}},
};

} // namespace marimba::formats
