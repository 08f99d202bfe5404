//===- Q1_0.cpp - d or -d -------------------------------------------------===//
//
// f16 d, 16 bytes of bits, the first element lowest: set where the element is
// d.
//
//===----------------------------------------------------------------------===//

#include "Blocks.h"

namespace marimba::formats {

static constexpr int64_t kElements = 128, kBytes = kHalf + kElements / 8;

static int code(const char *block, int64_t i) {
  return readByte(block + kHalf + i / 8) >> i % 8 & 1 ? 1 : -1;
}

const Format kQ1_0 = {
    .name = "Q1_0",
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
