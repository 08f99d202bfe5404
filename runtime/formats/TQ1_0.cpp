//===- TQ1_0.cpp - d * (q - 1), q of 0, 1, 2 ------------------------------===//
//
// 52 bytes of q, f16 d. A byte is a fraction of 256 whose digits to base 3 are
// elements: 32 bytes have five that are 32 apart, 16 five that are 16 apart, 4
// four that are 4 apart.
//
//===----------------------------------------------------------------------===//

#include "SuperBlocks.h"

namespace marimba::formats {

static constexpr int64_t kScale = 52, kBytes = kScale + kHalf;

/// Digit `i / apart` of byte i % apart.
static int digit(const char *bytes, int64_t i, int64_t apart) {
  constexpr int powers[] = {1, 3, 9, 27, 81};
  int fraction = readByte(bytes + i % apart) * powers[i / apart] & 255;
  return fraction * 3 >> 8;
}

static int code(const char *block, int64_t i) {
  int q = i < 160   ? digit(block, i, 32)
          : i < 240 ? digit(block + 32, i - 160, 16)
                    : digit(block + 48, i - 240, 4);
  return q - 1;
}

const Format kTQ1_0 = {
    .name = "TQ1_0",
    .elements = kSuper,
    .bytes = kBytes,
    .widen =
        forBlocks<kBytes, widenGroups<kSuper, kSuper, halfOf<kScale>, code>,
                  kSuper>,
    .encoding = Encoding{.bits = 2, .group = kSuper / 2, .scale = Scalar::F16},
    .parts = {Part{PartKind::Codes, readPlane<kSuper, 2, 0, code, 1>},
              Part{PartKind::Scales, copyTwice<kScale>}},
};

} // namespace marimba::formats
