//===- NVFP4.cpp - s * q, q of type E2M1 ----------------------------------===//
//
// 4 bytes s of type E4M3 without its sign, which is ignored (groups of 16), and
// 4 times 8 bytes of q, of which byte i has element i of its group in its low
// half and element 8 + i in its high one. Codes are twice q, scales half of s.
// Where s is the type's NaN it is 0, as in ggml.
//
//===----------------------------------------------------------------------===//

#include "Blocks.h"
#include "marimba/formats/Codebooks.h"

namespace marimba::formats {

static constexpr int64_t kElements = 64, kGroup = 16,
                         kCodes = kElements / kGroup,
                         kBytes = kCodes + kElements / 2;

static float scale(const char *block, int64_t group) {
  return 0.5F * fromE4M3Scale(static_cast<uint8_t>(block[group]));
}

static int place(const char *block, int64_t i) {
  int byte = readByte(block + kCodes + i / 16 * 8 + i % 8);
  return i % 16 < 8 ? byte & 15 : byte >> 4;
}

static int code(const char *block, int64_t i) {
  return kTwiceE2M1[static_cast<size_t>(place(block, i))];
}

static int scaleBits(const char *block, int64_t group) {
  return readByte(block + group);
}

const Format kNVFP4 = {
    .name = "NVFP4",
    .elements = kElements,
    .bytes = kBytes,
    .widen = forBlocks<kBytes, widenGroups<kElements, kGroup, scale, code>,
                       kElements>,
    .encoding = Encoding{.bits = 4,
                         .group = kGroup,
                         .scale = Scalar::E4M3,
                         .values = CodeValues::E2M1},
    .parts = {Part{PartKind::Codes, copyPlane<kElements, 4, kCodes, 8>},
              Part{PartKind::Scales,
                   readGroups<kElements / kGroup, scaleBits>}},
};

} // namespace marimba::formats
