//===- Q8_0.cpp - d * q, q of 8 bits --------------------------------------===//
//
// f16 d, 32 int8 q.
//
//===----------------------------------------------------------------------===//

#include "Blocks.h"

namespace marimba::formats {

static void widenBlock(const char *block, float *to) {
  float scale = readHalf(block);
  for (int64_t i = 0; i < kBlock; ++i)
    to[i] =
        scale * static_cast<float>(static_cast<signed char>(block[kHalf + i]));
}

static void readCodes(const char *block, char *to) {
  std::memcpy(to, block + kHalf, kBlock);
}

const Format kQ8_0 = {
    .name = "Q8_0",
    .elements = kBlock,
    .bytes = kHalf + kBlock,
    .widen = forBlocks<kHalf + kBlock, widenBlock>,
    .encoding = Encoding{8, kBlock, Offset::None, Scalar::F16},
    .parts = {Part{PartKind::Codes, readCodes},
              Part{PartKind::Scales, copyHalf<0>}},
};

} // namespace marimba::formats
