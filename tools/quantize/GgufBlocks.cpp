//===- GgufBlocks.cpp - Rows of weights to GGUF's blocks ------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/GgufBlocks.h"

#include "marimba/formats/Format.h"

#include <algorithm>
#include <cmath>

using namespace marimba;
using lanes::kLanes;

/// A type of which runtime/formats/ has the sizes.
static BlockType typeOf(std::string_view name, int64_t firstHalf,
                        int64_t halves, void (*quantize)(BlockPanel &)) {
  const formats::Format &format = *formats::findFormat(name);
  return {name, format.elements, format.bytes, firstHalf, halves, quantize};
}

const BlockType *marimba::findBlockType(std::string_view name) {
  static const BlockType types[] = {
      typeOf("Q8_0", 0, 1, blocks::quantizeQ80),
      typeOf("Q4_0", 0, 1, blocks::quantizeQ40),
      typeOf("Q5_0", 0, 1, blocks::quantizeQ50),
      typeOf("Q5_1", 0, 2, blocks::quantizeQ51),
      typeOf("Q4_K", 0, 2, blocks::quantizeQ4K),
      typeOf("Q5_K", 0, 2, blocks::quantizeQ5K),
      typeOf("Q6_K", 208, 1, blocks::quantizeQ6K),
  };
  for (const BlockType &type : types)
    if (type.name == name)
      return &type;
  return nullptr;
}

/// Fills in the weights; false where one is not finite.
static bool load(BlockPanel &panel, const float *rows, int64_t count, int64_t k,
                 int64_t size, lanes::Floats &energy) {
  float probe = 0;
  for (int64_t lane = 0; lane < count; ++lane)
    for (int64_t i = 0; i < size; ++i) {
      float w = rows[lane * k + i];
      panel.weights[i][lane] = w;
      probe += w * 0.0f;
    }
  for (int64_t lane = count; lane < kLanes; ++lane)
    for (int64_t i = 0; i < size; ++i)
      panel.weights[i][lane] = 0;
  energy = {};
  for (int64_t i = 0; i < size; ++i)
    energy += panel.weights[i] * panel.weights[i];
  return probe == 0;
}

static std::string describeBad(const float *rows, int64_t count, int64_t k,
                               int64_t firstRow) {
  const float *bad = std::find_if(rows, rows + count * k,
                                  [](float w) { return !std::isfinite(w); });
  int64_t at = bad - rows;
  return "row " + std::to_string(firstRow + at / k) + ", column " +
         std::to_string(at % k) + " is " + std::to_string(*bad) +
         ", expected finite weights";
}

/// What overflows f16 becomes an infinity.
static bool fitsHalves(const BlockType &type, const char *block) {
  for (int64_t i = 0; i < type.halves; ++i)
    if (!std::isfinite(loadScalar(block + type.firstHalf + 2 * i, Scalar::F16)))
      return false;
  return true;
}

bool marimba::quantizeBlocks(const BlockType &type, const float *rows,
                             int64_t n, int64_t k, QuantMethod method, char *to,
                             QuantError &lost, std::string &error,
                             int64_t firstRow) {
  BlockPanel panel;
  panel.search = method == QuantMethod::Search;
  int64_t rowBytes = type.bytesOf(k);
  for (int64_t first = 0; first < n; first += kLanes) {
    int64_t count = std::min<int64_t>(n - first, kLanes);
    for (int64_t at = 0; at < k; at += type.elements) {
      lanes::Floats energy;
      if (!load(panel, rows + first * k + at, count, k, type.elements,
                energy)) {
        error = describeBad(rows + first * k, count, k, firstRow + first);
        return false;
      }
      for (int64_t lane = 0; lane < kLanes; ++lane)
        panel.to[lane] = lane < count
                             ? to + (first + lane) * rowBytes + type.bytesOf(at)
                             : nullptr;
      type.quantize(panel);
      for (int64_t lane = 0; lane < count; ++lane) {
        if (!fitsHalves(type, panel.to[lane])) {
          error = "row " + std::to_string(firstRow + first + lane) +
                  " needs a scale that f16 cannot represent";
          return false;
        }
        lost.error += panel.error[lane];
        lost.energy += energy[lane];
      }
    }
  }
  return true;
}
