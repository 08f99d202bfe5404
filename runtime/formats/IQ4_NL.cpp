//===- IQ4_NL.cpp - d * value of q, q of 4 bits ---------------------------===//
//
// f16 d, 16 bytes of q.
//
//===----------------------------------------------------------------------===//

#include "Blocks.h"
#include "marimba/formats/Codebooks.h"

namespace marimba::formats {

static constexpr int64_t kBytes = kHalf + kBlock / 2;

static int code(const char *block, int64_t i) {
  return kValuesIQ4NL[static_cast<size_t>(nibble(block + kHalf, i))];
}

const Format kIQ4_NL = {
    .name = "IQ4_NL",
    .elements = kBlock,
    .bytes = kBytes,
    .widen =
        forBlocks<kBytes, widenGroups<kBlock, kBlock, halfOf<0>, code>, kBlock>,
    .encoding = Encoding{.bits = 4,
                         .group = kBlock,
                         .scale = Scalar::F16,
                         .values = CodeValues::IQ4_NL},
    .parts = {Part{PartKind::Codes, copyPlane<kBlock, 4, kHalf, 16>},
              Part{PartKind::Scales, copyHalf<0>}},
};

} // namespace marimba::formats
