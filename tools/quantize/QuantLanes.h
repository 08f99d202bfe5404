//===- QuantLanes.h - Searches for scales, channels in lanes ----*- C++ -*-===//
//
// Part of Marimba. Sixteen channels side by side in one vector: every lane is a
// group of its own with the same inputs, so nothing is ever summed across
// lanes, and an input's importance is one number for all.
//
// The vectors are the compiler's own, which any instruction set can compute.
// Our callers are compiled for several (MARIMBA_FOR_VECTOR_UNITS) and without
// contraction, so that all of them find the same bits.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_QUANTLANES_H
#define MARIMBA_TOOLS_QUANTIZE_QUANTLANES_H

#include "tools/quantize/QuantizedMatrix.h"

#include <cfloat>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#define MARIMBA_FOR_VECTOR_UNITS                                               \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MARIMBA_FOR_VECTOR_UNITS
#endif
/// Of what these functions call: never a call, which would pass vectors in
/// memory.
#define MARIMBA_LANES __attribute__((always_inline)) inline

namespace marimba::lanes {

constexpr int kLanes = 16;
static_assert(Layout::kChannels % kLanes == 0);

typedef float Floats __attribute__((vector_size(kLanes * sizeof(float))));
typedef int32_t Ints __attribute__((vector_size(kLanes * sizeof(int32_t))));

MARIMBA_LANES Floats splat(float value) { return Floats{} + value; }
MARIMBA_LANES Floats min(Floats a, Floats b) { return a < b ? a : b; }
MARIMBA_LANES Floats max(Floats a, Floats b) { return a > b ? a : b; }
MARIMBA_LANES Floats abs(Floats a) { return max(a, -a); }

/// To the nearest integer, of two the even one; |a| below 2^22.
MARIMBA_LANES Floats round(Floats a) {
  constexpr float magic = 0x1.8p23f;
  return (a + magic) - magic;
}

/// The value that a scale has once it is stored. What is too small to divide by
/// becomes 0.
MARIMBA_LANES Floats roundScale(Floats scale, Scalar type) {
  Floats size = abs(scale);
  if (type == Scalar::BF16) {
    Ints bits;
    std::memcpy(&bits, &scale, sizeof(bits));
    bits += 0x7fff + ((bits >> 16) & 1);
    bits &= -0x10000;
    std::memcpy(&scale, &bits, sizeof(bits));
  } else if (type == Scalar::F16) {
    // 11 bits of those that are normal; the others are multiples of 2^-24.
    Floats high = scale * 0x1.002p13f;
    Floats normal = high - (high - scale);
    Floats small = (scale + 0.75f) - 0.75f;
    scale = size < 0x1p-14f ? small : normal;
  }
  return abs(scale) < FLT_MIN ? Floats{} : scale;
}

/// Codes less their zero point lie between these.
struct Range {
  Floats lowest, highest;
};

/// The weights of a group in each lane, and what their inputs count.
struct Group {
  const Floats *weights;
  const float *importance; // null: 1 each
  int64_t size;
};

/// What a scale costs, and which one would suit the same codes best.
struct Cost {
  Floats error;
  Floats bestScale;
};

MARIMBA_LANES Floats inverse(Floats scale) {
  return scale == 0.0f ? Floats{} : 1.0f / scale;
}

MARIMBA_LANES Floats code(Floats weight, Floats inverse, Range range) {
  return round(min(max(weight * inverse, range.lowest), range.highest));
}

template <bool weighted>
MARIMBA_LANES Cost cost(const Group &group, Floats scale, Range range) {
  Floats factor = inverse(scale);
  Floats error{}, mixed{}, square{};
  for (int64_t i = 0; i < group.size; ++i) {
    Floats w = group.weights[i];
    Floats q = code(w, factor, range);
    Floats off = w - q * scale;
    Floats counted = weighted ? q * group.importance[i] : q;
    error += weighted ? off * off * group.importance[i] : off * off;
    mixed += w * counted;
    square += q * counted;
  }
  return {error, square > 0.0f ? mixed / square : scale};
}

/// The best scale so far of each lane.
struct Choice {
  Floats scale, error;
  Range range;
  Floats next; // the scale that suits the chosen codes best
};

template <bool weighted>
MARIMBA_LANES Choice choose(const Group &group, Floats scale, Range range,
                            Scalar type) {
  scale = roundScale(scale, type);
  Cost found = cost<weighted>(group, scale, range);
  return {scale, found.error, range, found.bestScale};
}

/// Takes `scale` in the lanes where it is better.
template <bool weighted>
MARIMBA_LANES void consider(Choice &best, const Group &group, Floats scale,
                            Range range, Scalar type) {
  Choice other = choose<weighted>(group, scale, range, type);
  Ints better = other.error < best.error;
  best.scale = better ? other.scale : best.scale;
  best.range.lowest = better ? range.lowest : best.range.lowest;
  best.range.highest = better ? range.highest : best.range.highest;
  best.next = better ? other.next : best.next;
  best.error = better ? other.error : best.error;
}

/// The smallest and the largest weight, 0 among them, and the one of the larger
/// size.
struct Extremes {
  Floats lowest, highest, largest;
};

MARIMBA_LANES Extremes extremes(const Group &group) {
  Extremes found{};
  for (int64_t i = 0; i < group.size; ++i) {
    found.lowest = min(found.lowest, group.weights[i]);
    found.highest = max(found.highest, group.weights[i]);
  }
  found.largest = found.highest > -found.lowest ? found.highest : found.lowest;
  return found;
}

/// The zero point that puts the middle of 15 steps over that of the weights.
MARIMBA_LANES Range zeroRange(const Extremes &ends, Floats scale, float shift) {
  Floats middle = (ends.lowest + ends.highest) * 0.5f;
  Floats zero =
      round(min(max(7.5f - middle * inverse(scale), Floats{}), splat(15))) +
      shift;
  zero = min(max(zero, Floats{}), splat(15));
  return {-zero, 15.0f - zero};
}

/// The scale that the largest weight decides: its code is then the last one. Of
/// signed 4 bits it is -8, whatever the weight's sign.
template <bool weighted>
MARIMBA_LANES Choice nearest(const Group &group, const Extremes &ends,
                             const Encoding &format) {
  if (format.offset == Offset::ZeroPoint) {
    Floats scale = (ends.highest - ends.lowest) / 15.0f;
    Range range = zeroRange(ends, roundScale(scale, format.scale), 0.0f);
    return choose<weighted>(group, scale, range, format.scale);
  }
  Range range{splat(format.bits == 8 ? -127 : -8),
              splat(format.bits == 8 ? 127 : 7)};
  Floats scale =
      format.bits == 8 ? abs(ends.largest) / 127.0f : ends.largest / -8.0f;
  return choose<weighted>(group, scale, range, format.scale);
}

/// Alternates between the best codes for a scale and the best scale for codes
/// until that gains nothing in any lane.
template <bool weighted>
MARIMBA_LANES void refine(Choice &best, const Group &group, Scalar type) {
  constexpr int mostSteps = 8;
  for (int step = 0; step < mostSteps; ++step) {
    Floats before = best.error;
    consider<weighted>(best, group, best.next, best.range, type);
    Ints gained = best.error < before;
    int32_t any = 0;
    for (int lane = 0; lane < kLanes; ++lane)
      any |= gained[lane];
    if (!any)
      return;
  }
}

/// The best of a grid of scales around the nearest, and what refining makes of
/// it: never worse than `nearest`.
template <bool weighted>
MARIMBA_LANES Choice search(const Group &group, const Extremes &ends,
                            const Encoding &format) {
  Choice best = nearest<weighted>(group, ends, format);
  Scalar type = format.scale;
  if (format.offset == Offset::ZeroPoint) {
    for (int step = 0; step < 10; ++step) {
      Floats scale =
          (ends.highest - ends.lowest) / (14.0f + 0.75f * float(step));
      Floats stored = roundScale(scale, type);
      for (float shift : {-1.0f, 0.0f, 1.0f})
        consider<weighted>(best, group, scale, zeroRange(ends, stored, shift),
                           type);
    }
  } else if (format.bits == 8) {
    // Steps too fine to matter are left to refine().
    for (float reach : {126.0f, 126.5f, 127.5f, 128.0f, 129.0f, 130.0f, 132.0f,
                        136.0f, 142.0f, 150.0f, 160.0f})
      consider<weighted>(best, group, abs(ends.largest) / reach, best.range,
                         type);
  } else {
    // The largest weight's side has 8 steps, or else 7.
    for (int step = 0; step < 17; ++step) {
      float reach = 7.0f + 0.25f * float(step);
      consider<weighted>(best, group, ends.largest / -reach, best.range, type);
      consider<weighted>(best, group, ends.largest / (reach - 0.75f),
                         best.range, type);
    }
  }
  refine<weighted>(best, group, type);
  return best;
}

} // namespace marimba::lanes

#endif // MARIMBA_TOOLS_QUANTIZE_QUANTLANES_H
