//===- Q2_0.cpp - d * (q - 1), q of 2 bits --------------------------------===//
//
// f16 d, 16 bytes of q, of which each has four in a row, the first lowest.
//
//===----------------------------------------------------------------------===//

#include "Blocks.h"

namespace marimba::formats {

static constexpr int64_t kElements = 64, kBytes = kHalf + kElements / 4;

static int code(const char *block, int64_t i) {
  return (readByte(block + kHalf + i / 4) >> 2 * (i % 4) & 3) - 1;
}

const Format kQ2_0 = {
    .name = "Q2_0",
    .elements = kElements,
    .bytes = kBytes,
    .widen =
        forBlocks<kBytes, widenGroups<kElements, kElements, halfOf<0>, code>,
                  kElements>,
    .encoding = Encoding{.bits = 2, .group = kElements, .scale = Scalar::F16},
    .parts = {Part{PartKind::Codes, readPlane<kElements, 2, 0, code, 1>},
              Part{PartKind::Scales, copyHalf<0>}},
};

} // namespace marimba::formats
