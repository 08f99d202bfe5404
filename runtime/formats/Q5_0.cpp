//===- Q5_0.cpp - d * (q - 16), q of 5 bits -------------------------------===//
//
// f16 d, 4 bytes of the codes' top bits, 16 bytes of their other bits.
//
//===----------------------------------------------------------------------===//

#include "Blocks.h"

namespace marimba::formats {

static constexpr int64_t kBytes = kHalf + 4 + kBlock / 2;

static void widenBlock(const char *block, float *to) {
  float scale = readHalf(block);
  for (int64_t i = 0; i < kBlock; ++i)
    to[i] = scale * static_cast<float>(fiveBits(block + kHalf, i) - 16);
}

const Format kQ5_0 = {
    .name = "Q5_0",
    .elements = kBlock,
    .bytes = kBytes,
    .widen = forBlocks<kBytes, widenBlock>,
    .encoding = Encoding{5, kBlock, Offset::None, Scalar::F16},
    .parts = {Part{PartKind::Codes, copyPlane<kBlock, 4, kHalf + 4, 16>},
              Part{PartKind::HighBits, copyTopBits<kHalf>},
              Part{PartKind::Scales, copyHalf<0>}},
};

} // namespace marimba::formats
