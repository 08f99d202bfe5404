//===- QuantPanel.cpp - Some channels while they are quantised ------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/QuantPanel.h"

#include <algorithm>
#include <cmath>

using namespace marimba;
using lanes::kLanes;

QuantPanel::QuantPanel(const Encoding &format, int64_t k, int64_t firstRow)
    : layout(Layout::of(format, Layout::kChannels, k)), firstRow(firstRow) {
  weights.resize(layout.depth);
  codes.resize(layout.depth);
  scales.resize(layout.groups);
  zeros.resize(format.offset == Offset::ZeroPoint ? layout.groups : 0);
}

bool QuantPanel::load(const float *rows, int64_t first, int64_t n,
                      std::string &error) {
  int64_t count = std::min<int64_t>(n - first, kLanes);
  int64_t inputs = layout.inputs;
  std::fill(weights.begin(), weights.end(), lanes::Floats{});
  for (int64_t lane = 0; lane < count; ++lane) {
    const float *row = rows + (first + lane) * inputs;
    // A sum of numbers times 0 is 0 unless one of them is not finite.
    float probe = 0;
    for (int64_t input = 0; input < inputs; ++input) {
      weights[input][lane] = row[input];
      probe += row[input] * 0.0f;
    }
    if (probe == 0)
      continue;
    const float *bad = std::find_if(row, row + inputs,
                                    [](float w) { return !std::isfinite(w); });
    error = "row " + std::to_string(firstRow + first + lane) + ", column " +
            std::to_string(bad - row) + " is " + std::to_string(*bad) +
            ", expected finite weights";
    return false;
  }
  return true;
}

bool QuantPanel::store(QuantizedMatrix &result, int64_t first, int64_t n,
                       std::string &error) const {
  const Encoding &format = layout.encoding;
  int64_t groups = layout.groups, size = layout.group;
  for (int64_t input = 0; input < layout.depth; ++input) {
    // 8 where there are no zero points, so that a code of 4 bits is 0 to 15.
    lanes::Floats stored = codes[input];
    if (!zeros.empty())
      stored += zeros[input / size];
    else if (format.center())
      stored += float(format.center());
    for (int lane = 0; lane < kLanes; ++lane) {
      int value = static_cast<int>(stored[lane]);
      uint8_t &byte = result.codes[layout.codePlace(first + lane, input)];
      // The low half of a byte comes first.
      int shift = layout.codeShift(input);
      byte = shift ? byte | value << shift : value;
    }
  }

  int64_t lanesUsed = std::min<int64_t>(n - first, kLanes);
  for (int64_t group = 0; group < groups; ++group) {
    int64_t at = Layout::placeOf(first, group, groups);
    for (int lane = 0; lane < kLanes; ++lane) {
      float scale = scales[group][lane];
      constexpr float largestHalf = 65504;
      if (!std::isfinite(scale) ||
          (format.scale == Scalar::F16 && std::fabs(scale) > largestHalf)) {
        error = "row " + std::to_string(firstRow + first + lane) +
                " needs a scale of " + std::to_string(scale) +
                ", which its type cannot represent";
        return false;
      }
      storeScalar(scale, format.scale,
                  reinterpret_cast<char *>(result.scales.data()) +
                      (at + lane) * scalarSize(format.scale));
      if (!zeros.empty())
        result.zeros[at + lane] = static_cast<uint8_t>(zeros[group][lane]);
    }
    lanes::Floats lost{}, all{};
    for (int64_t i = group * size; i < (group + 1) * size; ++i) {
      lanes::Floats off = weights[i] - codes[i] * scales[group];
      lost += off * off;
      all += weights[i] * weights[i];
    }
    for (int lane = 0; lane < lanesUsed; ++lane) {
      result.error += lost[lane];
      result.energy += all[lane];
    }
  }
  return true;
}

void marimba::allocateQuantized(const Layout &layout, QuantizedMatrix &result) {
  result.codes.assign(layout.codeBytes(), 0);
  result.scales.assign(layout.scaleBytes(), 0);
  result.zeros.assign(layout.offsetBytes(), 0);
  result.error = result.energy = 0;
}
