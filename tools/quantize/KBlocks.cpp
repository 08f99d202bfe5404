//===- KBlocks.cpp - Q4_K, Q5_K and Q6_K ----------------------------------===//
//
// Part of Marimba. Super-blocks of 256 elements, whose groups have scales (and
// minimums) that are integers times an f16 of the super-block. Groups first get
// the scales that suit them best; then the f16 numbers and the integers are
// chosen in turns, each with the least error for what the other is.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/BlockFits.h"
#include "tools/quantize/GgufBlocks.h"

using namespace marimba;
using namespace marimba::lanes;

namespace {

constexpr int64_t kSize = 256;
/// How often integers and f16 numbers are chosen anew.
constexpr int kRounds = 2;

MARIMBA_LANES Ints toInts(Floats values) {
  return __builtin_convertvector(values, Ints);
}

//===----------------------------------------------------------------------===//
// Q4_K and Q5_K: (d * s) * q - (dmin * m), groups of 32, s and m of 6 bits
//===----------------------------------------------------------------------===//

constexpr int64_t kGroup = 32, kGroups = kSize / kGroup;
constexpr float kMostSix = 63;

/// The numbers of the super-block, and the integers of its groups.
struct MinimumBlock {
  Floats d, dmin;
  std::array<Floats, kGroups> scales, minimums, errors;
};

/// The integers next to the ones that are there, where they are better.
template <int levels>
MARIMBA_LANES void chooseIntegers(const BlockPanel &panel, MinimumBlock &block,
                                  int64_t group, bool search) {
  const Floats *weights = panel.weights.data() + group * kGroup;
  Floats scale = block.scales[group], minimum = block.minimums[group];
  block.errors[group] =
      affineCost<levels>(weights, kGroup, block.d * scale, block.dmin * minimum)
          .error;
  if (!search)
    return;
  Floats first = scale, second = minimum;
  for (float i : {-1.0f, 0.0f, 1.0f})
    for (float j : {-1.0f, 0.0f, 1.0f}) {
      Floats s = min(max(first + i, Floats{}), splat(kMostSix));
      Floats m = min(max(second + j, Floats{}), splat(kMostSix));
      Floats error =
          affineCost<levels>(weights, kGroup, block.d * s, block.dmin * m)
              .error;
      Ints better = error < block.errors[group];
      block.errors[group] = better ? error : block.errors[group];
      scale = better ? s : scale;
      minimum = better ? m : minimum;
    }
  block.scales[group] = scale;
  block.minimums[group] = minimum;
}

template <int levels>
MARIMBA_LANES Floats codeOf(const BlockPanel &panel, const MinimumBlock &block,
                            int64_t i) {
  int64_t group = i / kGroup;
  return affineCode<levels>(panel.weights[i],
                            inverse(block.d * block.scales[group]),
                            block.dmin * block.minimums[group]);
}

/// The f16 numbers of the least squares for these integers, where they are
/// better.
template <int levels>
MARIMBA_LANES void chooseHalves(const BlockPanel &panel, MinimumBlock &block) {
  Floats aa{}, ab{}, bb{}, aw{}, bw{}, before{};
  for (int64_t group = 0; group < kGroups; ++group) {
    Floats factor = inverse(block.d * block.scales[group]);
    Floats minimum = block.dmin * block.minimums[group];
    Floats b = -block.minimums[group];
    before += block.errors[group];
    for (int64_t i = group * kGroup; i < (group + 1) * kGroup; ++i) {
      Floats w = panel.weights[i];
      Floats a = block.scales[group] * affineCode<levels>(w, factor, minimum);
      aa += a * a;
      ab += a * b;
      bb += b * b;
      aw += a * w;
      bw += b * w;
    }
  }
  Floats spread = aa * bb - ab * ab;
  Ints both = spread > 1e-6f * aa * bb;
  MinimumBlock other = block;
  other.d = halved(both ? (aw * bb - ab * bw) / spread : ratio(aw, aa));
  other.dmin = halved(both ? (aa * bw - ab * aw) / spread : block.dmin);
  other.d = max(other.d, Floats{});
  other.dmin = max(other.dmin, Floats{});
  Floats after{};
  for (int64_t group = 0; group < kGroups; ++group) {
    chooseIntegers<levels>(panel, other, group, /*search=*/false);
    after += other.errors[group];
  }
  Ints better = after < before;
  block.d = better ? other.d : block.d;
  block.dmin = better ? other.dmin : block.dmin;
  for (int64_t group = 0; group < kGroups; ++group)
    block.errors[group] = better ? other.errors[group] : block.errors[group];
}

template <int levels>
MARIMBA_LANES MinimumBlock fitMinimumBlock(const BlockPanel &panel) {
  MinimumBlock block;
  Floats largestScale{}, largestMinimum{};
  for (int64_t group = 0; group < kGroups; ++group) {
    Affine best = fitAffine<levels>(panel.weights.data() + group * kGroup,
                                    kGroup, panel.search);
    block.scales[group] = best.scale;
    block.minimums[group] = best.minimum;
    largestScale = max(largestScale, best.scale);
    largestMinimum = max(largestMinimum, best.minimum);
  }
  block.d = halved(largestScale / kMostSix);
  block.dmin = halved(largestMinimum / kMostSix);
  Floats byScale = inverse(block.d), byMinimum = inverse(block.dmin);
  for (int64_t group = 0; group < kGroups; ++group) {
    block.scales[group] =
        round(min(block.scales[group] * byScale, splat(kMostSix)));
    block.minimums[group] =
        round(min(block.minimums[group] * byMinimum, splat(kMostSix)));
    chooseIntegers<levels>(panel, block, group, panel.search);
  }
  for (int step = 0; panel.search && step < kRounds; ++step) {
    chooseHalves<levels>(panel, block);
    for (int64_t group = 0; group < kGroups; ++group)
      chooseIntegers<levels>(panel, block, group, /*search=*/true);
  }
  return block;
}

/// The first four pairs of 6 bits are in bytes of their own, whose top bits are
/// those of the other four.
void storeSixBits(const std::array<Ints, kGroups> &scales,
                  const std::array<Ints, kGroups> &minimums, int lane,
                  char *to) {
  for (int64_t j = 0; j < 4; ++j) {
    int s = scales[j][lane], m = minimums[j][lane];
    int upperS = scales[j + 4][lane], upperM = minimums[j + 4][lane];
    to[j] = static_cast<char>(s | (upperS >> 4) << 6);
    to[j + 4] = static_cast<char>(m | (upperM >> 4) << 6);
    to[j + 8] = static_cast<char>((upperS & 15) | (upperM & 15) << 4);
  }
}

} // namespace

template <int levels>
MARIMBA_LANES static void quantizeMinimums(BlockPanel &panel) {
  MinimumBlock block = fitMinimumBlock<levels>(panel);
  std::array<Ints, kSize> codes;
  std::array<Ints, kGroups> scales, minimums;
  panel.error = Floats{};
  for (int64_t i = 0; i < kSize; ++i)
    codes[i] = toInts(codeOf<levels>(panel, block, i));
  for (int64_t group = 0; group < kGroups; ++group) {
    scales[group] = toInts(block.scales[group]);
    minimums[group] = toInts(block.minimums[group]);
    panel.error += block.errors[group];
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    char *to = panel.to[lane];
    if (!to)
      continue;
    storeScalar(block.d[lane], Scalar::F16, to);
    storeScalar(block.dmin[lane], Scalar::F16, to + 2);
    storeSixBits(scales, minimums, lane, to + 4);
    to += 16;
    if (levels == 31) {
      for (int64_t l = 0; l < kGroup; ++l) {
        int top = 0;
        for (int64_t group = 0; group < kGroups; ++group)
          top |= codes[group * kGroup + l][lane] >> 4 << group;
        to[l] = static_cast<char>(top);
      }
      to += kGroup;
    }
    // Two groups side by side, in halves of bytes.
    for (int64_t i = 0; i < kSize / 2; ++i) {
      int64_t at = i / kGroup * 2 * kGroup + i % kGroup;
      to[i] = static_cast<char>((codes[at][lane] & 15) |
                                (codes[at + kGroup][lane] & 15) << 4);
    }
  }
}

MARIMBA_FOR_VECTOR_UNITS
void blocks::quantizeQ4K(BlockPanel &panel) { quantizeMinimums<15>(panel); }

MARIMBA_FOR_VECTOR_UNITS
void blocks::quantizeQ5K(BlockPanel &panel) { quantizeMinimums<31>(panel); }

//===----------------------------------------------------------------------===//
// Q6_K: (d * s) * q, groups of 16, s of 8 bits, q from -32 to 31
//===----------------------------------------------------------------------===//

namespace {

constexpr int64_t kSixGroup = 16, kSixGroups = kSize / kSixGroup;

struct SixBlock {
  Floats d;
  std::array<Floats, kSixGroups> scales, errors;
};

MARIMBA_LANES Range sixRange() { return {splat(-32), splat(31)}; }

MARIMBA_LANES void chooseSix(const BlockPanel &panel, SixBlock &block,
                             int64_t group, bool search) {
  Group weights{panel.weights.data() + group * kSixGroup, nullptr, kSixGroup};
  Floats first = block.scales[group], best = first;
  block.errors[group] = cost<false>(weights, block.d * first, sixRange()).error;
  if (!search)
    return;
  for (float step : {-1.0f, 1.0f}) {
    Floats other = min(max(first + step, splat(-128)), splat(127));
    Floats error = cost<false>(weights, block.d * other, sixRange()).error;
    Ints better = error < block.errors[group];
    block.errors[group] = better ? error : block.errors[group];
    best = better ? other : best;
  }
  block.scales[group] = best;
}

MARIMBA_LANES void chooseHalf(const BlockPanel &panel, SixBlock &block) {
  Floats aa{}, aw{}, before{};
  for (int64_t group = 0; group < kSixGroups; ++group) {
    Floats factor = inverse(block.d * block.scales[group]);
    before += block.errors[group];
    for (int64_t i = group * kSixGroup; i < (group + 1) * kSixGroup; ++i) {
      Floats w = panel.weights[i];
      Floats a = block.scales[group] * code(w, factor, sixRange());
      aa += a * a;
      aw += a * w;
    }
  }
  SixBlock other = block;
  other.d = halved(ratio(aw, aa));
  Floats after{};
  for (int64_t group = 0; group < kSixGroups; ++group) {
    chooseSix(panel, other, group, /*search=*/false);
    after += other.errors[group];
  }
  Ints better = after < before;
  block.d = better ? other.d : block.d;
  for (int64_t group = 0; group < kSixGroups; ++group)
    block.errors[group] = better ? other.errors[group] : block.errors[group];
}

MARIMBA_LANES SixBlock fitSixBlock(const BlockPanel &panel) {
  SixBlock block;
  Floats largest{};
  for (int64_t group = 0; group < kSixGroups; ++group) {
    Floats scale = fitScale<32>(panel.weights.data() + group * kSixGroup,
                                kSixGroup, panel.search, Scalar::F32)
                       .scale;
    block.scales[group] = scale;
    largest = abs(scale) > abs(largest) ? scale : largest;
  }
  // The largest scale is -128, whatever its sign.
  block.d = halved(largest / -128.0f);
  Floats factor = inverse(block.d);
  for (int64_t group = 0; group < kSixGroups; ++group) {
    block.scales[group] =
        round(min(max(block.scales[group] * factor, splat(-128)), splat(127)));
    chooseSix(panel, block, group, panel.search);
  }
  for (int step = 0; panel.search && step < kRounds; ++step) {
    chooseHalf(panel, block);
    for (int64_t group = 0; group < kSixGroups; ++group)
      chooseSix(panel, block, group, /*search=*/true);
  }
  return block;
}

/// Halves of bytes, then two bits of each code, in two halves of 128 codes.
void storeSixCodes(const std::array<Ints, kSize> &codes, int lane, char *to) {
  char *low = to, *high = to + 128;
  for (int64_t begin = 0; begin < kSize; begin += 128, low += 64, high += 32)
    for (int64_t l = 0; l < 32; ++l) {
      int q[4];
      for (int64_t j = 0; j < 4; ++j)
        q[j] = codes[begin + 32 * j + l][lane] + 32;
      low[l] = static_cast<char>((q[0] & 15) | (q[2] & 15) << 4);
      low[l + 32] = static_cast<char>((q[1] & 15) | (q[3] & 15) << 4);
      high[l] = static_cast<char>(q[0] >> 4 | (q[1] >> 4) << 2 |
                                  (q[2] >> 4) << 4 | (q[3] >> 4) << 6);
    }
}

} // namespace

MARIMBA_LANES static void quantizeSix(BlockPanel &panel) {
  SixBlock block = fitSixBlock(panel);
  std::array<Ints, kSize> codes;
  panel.error = Floats{};
  for (int64_t group = 0; group < kSixGroups; ++group) {
    Floats factor = inverse(block.d * block.scales[group]);
    panel.error += block.errors[group];
    for (int64_t i = group * kSixGroup; i < (group + 1) * kSixGroup; ++i)
      codes[i] = toInts(code(panel.weights[i], factor, sixRange()));
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    char *to = panel.to[lane];
    if (!to)
      continue;
    storeSixCodes(codes, lane, to);
    for (int64_t group = 0; group < kSixGroups; ++group)
      to[192 + group] = static_cast<char>(block.scales[group][lane]);
    storeScalar(block.d[lane], Scalar::F16, to + 208);
  }
}

MARIMBA_FOR_VECTOR_UNITS
void blocks::quantizeQ6K(BlockPanel &panel) { quantizeSix(panel); }
