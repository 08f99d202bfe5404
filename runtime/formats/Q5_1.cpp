//===- Q5_1.cpp - d * q + m, q of 5 bits ----------------------------------===//
//
// f16 d, f16 m, 4 bytes of the codes' top bits, 16 bytes of their other bits.
//
//===----------------------------------------------------------------------===//

#include "Blocks.h"

namespace marimba::formats {

static constexpr int64_t kCodes = 2 * kHalf, kBytes = kCodes + 4 + kBlock / 2;

static void widenBlock(const char *block, float *to) {
  float scale = readHalf(block), minimum = readHalf(block + kHalf);
  for (int64_t i = 0; i < kBlock; ++i)
    to[i] = scale * static_cast<float>(fiveBits(block + kCodes, i)) + minimum;
}

const Format kQ5_1 = {
    .name = "Q5_1",
    .elements = kBlock,
    .bytes = kBytes,
    .widen = forBlocks<kBytes, widenBlock>,
    .encoding = Encoding{5, kBlock, Offset::Minimum, Scalar::F16},
    .parts = {Part{PartKind::Codes, copyPlane<kBlock, 4, kCodes + 4, 16>},
              Part{PartKind::HighBits, copyTopBits<kCodes>},
              Part{PartKind::Scales, copyHalf<0>},
              Part{PartKind::Minimums, copyHalf<kHalf>}},
};

} // namespace marimba::formats
