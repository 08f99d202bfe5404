//===- Q4_0.cpp - d * (q - 8), q of 4 bits --------------------------------===//
//
// f16 d, 16 bytes of q.
//
//===----------------------------------------------------------------------===//

#include "Blocks.h"

namespace marimba::formats {

static void widenBlock(const char *block, float *to) {
  float scale = readHalf(block);
  for (int64_t i = 0; i < kBlock; ++i)
    to[i] = scale * static_cast<float>(nibble(block + kHalf, i) - 8);
}

const Format kQ4_0 = {
    .name = "Q4_0",
    .elements = kBlock,
    .bytes = kHalf + kBlock / 2,
    .widen = forBlocks<kHalf + kBlock / 2, widenBlock>,
    .encoding = Encoding{4, kBlock, Offset::None, Scalar::F16},
    .parts = {Part{PartKind::Codes, copyPlane<kBlock, 4, kHalf, 16>},
              Part{PartKind::Scales, copyHalf<0>}},
};

} // namespace marimba::formats
