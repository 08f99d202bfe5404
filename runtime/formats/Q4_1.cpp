//===- Q4_1.cpp - d * q + m, q of 4 bits ----------------------------------===//
//
// f16 d, f16 m, 16 bytes of q.
//
//===----------------------------------------------------------------------===//

#include "Blocks.h"

namespace marimba::formats {

static constexpr int64_t kCodes = 2 * kHalf, kBytes = kCodes + kBlock / 2;

static void widenBlock(const char *block, float *to) {
  float scale = readHalf(block), minimum = readHalf(block + kHalf);
  for (int64_t i = 0; i < kBlock; ++i)
    to[i] = scale * static_cast<float>(nibble(block + kCodes, i)) + minimum;
}

const Format kQ4_1 = {
    .name = "Q4_1",
    .elements = kBlock,
    .bytes = kBytes,
    .widen = forBlocks<kBytes, widenBlock>,
    .encoding = Encoding{4, kBlock, Offset::Minimum, Scalar::F16},
    .parts = {Part{PartKind::Codes, copyPlane<kBlock, 4, kCodes, 16>},
              Part{PartKind::Scales, copyHalf<0>},
              Part{PartKind::Minimums, copyHalf<kHalf>}},
};

} // namespace marimba::formats
