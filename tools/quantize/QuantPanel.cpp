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

QuantPanel::QuantPanel(const QuantFormat &format, int64_t k, int64_t firstRow)
    : weights(format.paddedInputs(k)), codes(format.paddedInputs(k)),
      scales(format.groups(k)), zeros(format.zeroPoint ? format.groups(k) : 0),
      format(format), inputs(k), firstRow(firstRow) {}

bool QuantPanel::load(const float *rows, int64_t first, int64_t n,
                      std::string &error) {
  int64_t count = std::min<int64_t>(n - first, kLanes);
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

/// Where the code of an input stands in the channels of a block.
static int64_t wordOf(int64_t input, int64_t channel, int64_t perWord) {
  return (input / perWord * kQuantChannels + channel) * 4 + input % 4;
}

bool QuantPanel::store(QuantizedMatrix &result, int64_t first, int64_t n,
                       std::string &error) const {
  int64_t block = first / kQuantChannels, channel = first % kQuantChannels;
  int64_t padded = weights.size(), groups = scales.size();
  int64_t size = padded / groups;
  uint8_t *codeAt = result.codes.data() + block * format.codeBytes(inputs);
  for (int64_t input = 0; input < padded; ++input) {
    // 8 where there are no zero points, so that a code of 4 bits is 0 to 15.
    lanes::Floats stored = codes[input];
    if (format.zeroPoint)
      stored += zeros[input / size];
    else if (format.bits == 4)
      stored += 8.0f;
    for (int lane = 0; lane < kLanes; ++lane) {
      int value = static_cast<int>(stored[lane]);
      if (format.bits == 8) {
        codeAt[wordOf(input, channel + lane, 4)] = static_cast<uint8_t>(value);
        continue;
      }
      // The low half of a byte comes first.
      uint8_t &byte = codeAt[wordOf(input, channel + lane, 8)];
      byte = input % 8 < 4 ? value : byte | value << 4;
    }
  }

  int64_t lanesUsed = std::min<int64_t>(n - first, kLanes);
  for (int64_t group = 0; group < groups; ++group) {
    int64_t at = (block * groups + group) * kQuantChannels + channel;
    for (int lane = 0; lane < kLanes; ++lane) {
      float scale = scales[group][lane];
      constexpr float largestHalf = 65504;
      if (!std::isfinite(scale) ||
          (format.scales == ScaleType::F16 && std::fabs(scale) > largestHalf)) {
        error = "row " + std::to_string(firstRow + first + lane) +
                " needs a scale of " + std::to_string(scale) +
                ", which its type does not hold";
        return false;
      }
      storeScale(scale, format.scales,
                 result.scales.data() + (at + lane) * scaleSize(format.scales));
      if (format.zeroPoint)
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

void marimba::allocateQuantized(const QuantFormat &format, int64_t n, int64_t k,
                                QuantizedMatrix &result) {
  int64_t blocks = quantBlocks(n);
  result.codes.assign(blocks * format.codeBytes(k), 0);
  result.scales.assign(blocks * format.scaleBytes(k), 0);
  result.zeros.assign(blocks * format.zeroBytes(k), 0);
  result.error = result.energy = 0;
}
