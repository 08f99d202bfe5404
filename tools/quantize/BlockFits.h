//===- BlockFits.h - Scales and minimums of GGUF's groups -------*- C++ -*-===//
//
// Part of Marimba. As QuantLanes.h: one group in each lane, least squares.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_BLOCKFITS_H
#define MARIMBA_TOOLS_QUANTIZE_BLOCKFITS_H

#include "tools/quantize/QuantLanes.h"

namespace marimba::lanes {

MARIMBA_LANES bool anyOf(Ints lanes) {
  int32_t any = 0;
  for (int lane = 0; lane < kLanes; ++lane)
    any |= lanes[lane];
  return any != 0;
}

/// 0 where it is divided by 0.
MARIMBA_LANES Floats ratio(Floats a, Floats b) {
  return b > 0.0f ? a / b : Floats{};
}

MARIMBA_LANES Floats halved(Floats value) {
  return roundScale(value, Scalar::F16);
}

//===----------------------------------------------------------------------===//
// code * scale
//===----------------------------------------------------------------------===//

/// The scale of the least error for codes from -half to half - 1 (of 8 bits to
/// half - 1 both ways), stored as `type`.
template <int half>
MARIMBA_LANES Choice fitScale(const Floats *weights, int64_t size, bool search,
                              Scalar type) {
  Group group{weights, nullptr, size};
  constexpr bool isEven = half == 128; // -127 to 127
  constexpr float most = half - 1;
  Range range{splat(isEven ? -most : -float(half)), splat(most)};
  Floats largest = extremes(group).largest;
  // The largest weight's code is the last one, whatever its sign.
  Choice best = choose<false>(
      group, isEven ? abs(largest) / most : largest / -float(half), range,
      type);
  if (!search)
    return best;
  for (int step = 0; step < 9; ++step) {
    float reach = most + 0.25f * float(step) * (half > 32 ? 4.0f : 1.0f);
    Floats scale = isEven ? abs(largest) / reach : largest / -reach;
    consider<false>(best, group, scale, range, type);
    if (!isEven)
      consider<false>(best, group, largest / (reach - 0.75f), range, type);
  }
  refine<false>(best, group, type);
  return best;
}

//===----------------------------------------------------------------------===//
// code * scale - minimum
//===----------------------------------------------------------------------===//

/// A scale and a minimum, both 0 or more, what they cost, and which would suit
/// the same codes best.
struct Affine {
  Floats scale, minimum, error;
  Floats nextScale, nextMinimum;
};

template <int levels>
MARIMBA_LANES Floats affineCode(Floats weight, Floats factor, Floats minimum) {
  return round(min(max((weight + minimum) * factor, Floats{}), splat(levels)));
}

template <int levels>
MARIMBA_LANES Affine affineCost(const Floats *weights, int64_t size,
                                Floats scale, Floats minimum) {
  Floats factor = inverse(scale);
  Floats error{}, codes{}, squares{}, mixed{}, sum{};
  for (int64_t i = 0; i < size; ++i) {
    Floats w = weights[i];
    Floats q = affineCode<levels>(w, factor, minimum);
    Floats off = w - (scale * q - minimum);
    error += off * off;
    codes += q;
    squares += q * q;
    mixed += w * q;
    sum += w;
  }
  auto n = float(size);
  Floats spread = n * squares - codes * codes;
  Floats best = spread > 0.0f ? (n * mixed - codes * sum) / spread : scale;
  Floats least = (best * codes - sum) / n;
  // Without a minimum, where a negative one would be best.
  best = least < 0.0f ? ratio(mixed, squares) : best;
  least = max(least, Floats{});
  return {scale, minimum, error, max(best, Floats{}), least};
}

MARIMBA_LANES void takeBetter(Affine &best, const Affine &other) {
  Ints better = other.error < best.error;
  best.scale = better ? other.scale : best.scale;
  best.minimum = better ? other.minimum : best.minimum;
  best.nextScale = better ? other.nextScale : best.nextScale;
  best.nextMinimum = better ? other.nextMinimum : best.nextMinimum;
  best.error = better ? other.error : best.error;
}

/// The scale and minimum of the least error, not rounded yet.
template <int levels>
MARIMBA_LANES Affine fitAffine(const Floats *weights, int64_t size,
                               bool search) {
  Extremes ends = extremes({weights, nullptr, size});
  Floats width = ends.highest - ends.lowest;
  Affine best =
      affineCost<levels>(weights, size, width / float(levels), -ends.lowest);
  if (!search)
    return best;
  for (int step = 0; step < 8; ++step) {
    float reach = float(levels) - 1.0f + 0.5f * float(step);
    Affine other =
        affineCost<levels>(weights, size, width / reach, -ends.lowest);
    takeBetter(best, other);
    takeBetter(best, affineCost<levels>(weights, size, other.nextScale,
                                        other.nextMinimum));
  }
  for (int step = 0; step < 6; ++step) {
    Affine other =
        affineCost<levels>(weights, size, best.nextScale, best.nextMinimum);
    if (!anyOf(other.error < best.error))
      break;
    takeBetter(best, other);
  }
  return best;
}

} // namespace marimba::lanes

#endif // MARIMBA_TOOLS_QUANTIZE_BLOCKFITS_H
