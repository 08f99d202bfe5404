//===- IQ4_XS.cpp - d * (s - 32) * value of q, q of 4 bits ----------------===//
//
// f16 d, 2 bytes of the upper two bits of 8 scales of 6 bits (groups of 32), 4
// of their low halves, 8 times 16 bytes of q.
//
//===----------------------------------------------------------------------===//

#include "SuperBlocks.h"
#include "marimba/formats/Codebooks.h"

namespace marimba::formats {

static constexpr int64_t kHigh = kHalf, kLow = kHigh + 2, kCodes = kLow + 4,
                         kBytes = kCodes + kSuper / 2;

static int subScale(const char *block, int64_t group) {
  int low = readByte(block + kLow + group / 2) >> 4 * (group % 2) & 15;
  int high = readInteger<uint16_t>(block + kHigh) >> 2 * group & 3;
  return (low | high << 4) - 32;
}

static int place(const char *block, int64_t i) {
  return nibble(block + kCodes + i / 32 * 16, i % 32);
}

static int code(const char *block, int64_t i) {
  return kValuesIQ4NL[static_cast<size_t>(place(block, i))];
}

const Format kIQ4_XS = {
    .name = "IQ4_XS",
    .elements = kSuper,
    .bytes = kBytes,
    .widen =
        forBlocks<kBytes, widenGroups<kSuper, 32, timesHalf<0, subScale>, code>,
                  kSuper>,
    .encoding = Encoding{.bits = 4,
                         .group = 32,
                         .scale = Scalar::F16,
                         .values = CodeValues::IQ4_NL,
                         .superBlock = kSuper},
    .parts = {Part{PartKind::Codes, copyPlane<kSuper, 4, kCodes, 16>},
              Part{PartKind::Scales, readGroups<kSuper / 32, subScale>},
              Part{PartKind::SuperScales, copyHalf<0>}},
};

} // namespace marimba::formats
