//===- MXFP4.cpp - 2^(e - 127) * q, q of type E2M1 ------------------------===//
//
// A byte e (type E8M0), 16 bytes of q (OCP Microscaling Formats v1.0). Codes
// are twice q, scales half of 2^(e - 127): of 2^128, too, where e is 255, which
// that text calls NaN and ggml does not.
//
//===----------------------------------------------------------------------===//

#include "Blocks.h"
#include "marimba/formats/Codebooks.h"

namespace marimba::formats {

static constexpr int64_t kBytes = 1 + kBlock / 2;

static float scale(const char *block, int64_t) {
  return halfOfE8M0(static_cast<uint8_t>(*block));
}

static int exponent(const char *block, int64_t) { return readByte(block); }

static int code(const char *block, int64_t i) {
  return kTwiceE2M1[static_cast<size_t>(nibble(block + 1, i))];
}

const Format kMXFP4 = {
    .name = "MXFP4",
    .elements = kBlock,
    .bytes = kBytes,
    .widen =
        forBlocks<kBytes, widenGroups<kBlock, kBlock, scale, code>, kBlock>,
    .encoding = Encoding{.bits = 4,
                         .group = kBlock,
                         .scale = Scalar::E8M0,
                         .values = CodeValues::E2M1},
    .parts = {Part{PartKind::Codes, copyPlane<kBlock, 4, 1, 16>},
              Part{PartKind::Scales, readGroups<1, exponent>}},
};

} // namespace marimba::formats
