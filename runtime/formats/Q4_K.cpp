//===- Q4_K.cpp - d * s * q - dmin * m, q of 4 bits -----------------------===//
//
// f16 d, f16 dmin, 12 bytes of 8 scales and 8 minimums of 6 bits (groups of
// 32), 128 bytes of q.
//
//===----------------------------------------------------------------------===//

#include "SuperBlocks.h"

namespace marimba::formats {

static constexpr int64_t kScales = 2 * kHalf, kCodes = kScales + kSixBits,
                         kBytes = kCodes + kSuper / 2;

static float scale(const char *block, int64_t group) {
  return readHalf(block) *
         static_cast<float>(sixBitScale(block + kScales, group));
}

static float minimum(const char *block, int64_t group) {
  return readHalf(block + kHalf) *
         static_cast<float>(sixBitMinimum(block + kScales, group));
}

static int code(const char *block, int64_t i) {
  return fourBits(block + kCodes, i);
}

const Format kQ4_K = {
    .name = "Q4_K",
    .elements = kSuper,
    .bytes = kBytes,
    .widen = forBlocks<kBytes, widenGroups<kSuper, 32, scale, minimum, code>,
                       kSuper>,
};

} // namespace marimba::formats
