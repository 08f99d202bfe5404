//===- SimpleBlocks.cpp - Q8_0, Q4_0, Q5_0 and Q5_1 -----------------------===//
//
// Part of Marimba. Blocks of 32 elements: f16 scale, f16 minimum in some, codes
// (runtime/formats/Blocks.h).
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/BlockFits.h"
#include "tools/quantize/GgufBlocks.h"

using namespace marimba;
using namespace marimba::lanes;

namespace {

constexpr int64_t kSize = 32;
using Codes = std::array<Ints, kSize>;

void storeHalf(float value, char *to) { storeScalar(value, Scalar::F16, to); }

/// Codes of 4 or 5 bits: of the latter, 4 bytes of top bits first.
void storeNibbles(const Codes &codes, int lane, int bits, char *to) {
  if (bits == 5) {
    uint32_t top = 0;
    for (int64_t i = 0; i < kSize; ++i)
      top |= uint32_t(codes[i][lane] >> 4) << i;
    std::memcpy(to, &top, sizeof(top));
    to += sizeof(top);
  }
  for (int64_t i = 0; i < kSize / 2; ++i)
    to[i] = static_cast<char>((codes[i][lane] & 15) |
                              (codes[i + kSize / 2][lane] & 15) << 4);
}

} // namespace

/// Scale and codes of bits, `half` of them negative.
template <int half>
MARIMBA_LANES static void quantizeScaled(BlockPanel &panel) {
  Choice best =
      fitScale<half>(panel.weights.data(), kSize, panel.search, Scalar::F16);
  Floats factor = inverse(best.scale);
  Codes codes;
  for (int64_t i = 0; i < kSize; ++i)
    codes[i] = __builtin_convertvector(
        code(panel.weights[i], factor, best.range), Ints);
  panel.error = best.error;
  for (int lane = 0; lane < kLanes; ++lane) {
    char *to = panel.to[lane];
    if (!to)
      continue;
    storeHalf(best.scale[lane], to);
    if (half == 128) {
      for (int64_t i = 0; i < kSize; ++i)
        to[2 + i] = static_cast<char>(codes[i][lane]);
      continue;
    }
    for (Ints &one : codes)
      one[lane] += half;
    storeNibbles(codes, lane, half == 16 ? 5 : 4, to + 2);
  }
}

MARIMBA_LANES static void quantizeWithMinimum(BlockPanel &panel) {
  const Floats *weights = panel.weights.data();
  Affine best = fitAffine<31>(weights, kSize, panel.search);
  Floats scale = halved(best.scale), minimum = halved(best.minimum);
  panel.error = affineCost<31>(weights, kSize, scale, minimum).error;
  Floats factor = inverse(scale);
  Codes codes;
  for (int64_t i = 0; i < kSize; ++i)
    codes[i] = __builtin_convertvector(
        affineCode<31>(weights[i], factor, minimum), Ints);
  for (int lane = 0; lane < kLanes; ++lane)
    if (char *to = panel.to[lane]) {
      storeHalf(scale[lane], to);
      storeHalf(-minimum[lane], to + 2);
      storeNibbles(codes, lane, 5, to + 4);
    }
}

MARIMBA_FOR_VECTOR_UNITS
void blocks::quantizeQ80(BlockPanel &panel) { quantizeScaled<128>(panel); }

MARIMBA_FOR_VECTOR_UNITS
void blocks::quantizeQ40(BlockPanel &panel) { quantizeScaled<8>(panel); }

MARIMBA_FOR_VECTOR_UNITS
void blocks::quantizeQ50(BlockPanel &panel) { quantizeScaled<16>(panel); }

MARIMBA_FOR_VECTOR_UNITS
void blocks::quantizeQ51(BlockPanel &panel) { quantizeWithMinimum(panel); }
