//===- QuantizeGptq.cpp - Weights to codes by their inputs ----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/QuantizeGptq.h"

#include "tools/quantize/QuantPanel.h"

#include <algorithm>
#include <cassert>

using namespace marimba;
using namespace marimba::lanes;

/// Inputs whose errors reach the others behind them in one go. Groups do not
/// cross such a block, but for those of whole channels.
static constexpr int64_t kBlock = 128;

/// The weights of later inputs make up for the errors of a block.
MARIMBA_LANES void spread(const Floats *errors, int64_t begin, int64_t end,
                          Floats *weights, const GptqFactor &factor) {
  constexpr int64_t tile = 4;
  int64_t k = factor.size();
  for (int64_t j = end; j < k; j += tile) {
    int64_t count = std::min(tile, k - j);
    Floats sums[tile] = {};
    for (int64_t i = begin; i < end; ++i) {
      // Rows of the factor are padded, so that a tile may pass their end.
      const float *u = factor.row(i) + j;
      for (int64_t t = 0; t < tile; ++t)
        sums[t] += errors[i - begin] * u[t];
    }
    for (int64_t t = 0; t < count; ++t)
      weights[j + t] -= sums[t];
  }
}

MARIMBA_LANES void quantizeInOrder(QuantPanel &panel, const Encoding &format,
                                   const GptqFactor &factor,
                                   const float *importance) {
  int64_t k = factor.size(), padded = panel.weights.size();
  int64_t size = padded / int64_t(panel.scales.size());
  Floats *weights = panel.weights.data();
  Floats errors[kBlock];
  Choice chosen{};
  Floats factorOf{};
  for (int64_t begin = 0; begin < padded; begin += kBlock) {
    int64_t end = std::min(begin + kBlock, padded);
    for (int64_t j = begin; j < end; ++j) {
      if (j % size == 0) {
        Group group{weights + j, importance + j, size};
        chosen = search<true>(group, extremes(group), format);
        factorOf = inverse(chosen.scale);
        panel.scales[j / size] = chosen.scale;
        if (format.offset == Offset::ZeroPoint)
          panel.zeros[j / size] = -chosen.range.lowest;
      }
      panel.codes[j] = code(weights[j], factorOf, chosen.range);
      if (j >= k)
        continue;
      const float *u = factor.row(j);
      Floats lost = (weights[j] - panel.codes[j] * chosen.scale) / u[j];
      errors[j - begin] = lost;
      for (int64_t i = j + 1; i < std::min(end, k); ++i)
        weights[i] -= lost * u[i];
    }
    spread(errors, begin, end, weights, factor);
  }
}

namespace marimba::lanes {
// Not static: compilers choose among the clones by their names.
void quantizePanelInOrder(QuantPanel &panel, const Encoding &format,
                          const GptqFactor &factor, const float *importance);

MARIMBA_FOR_VECTOR_UNITS
void quantizePanelInOrder(QuantPanel &panel, const Encoding &format,
                          const GptqFactor &factor, const float *importance) {
  quantizeInOrder(panel, format, factor, importance);
}
} // namespace marimba::lanes

bool marimba::quantizeGptq(const float *rows, int64_t n, int64_t k,
                           const Encoding &format, const GptqFactor &factor,
                           QuantizedMatrix &result, std::string &error,
                           int64_t firstRow) {
  assert(factor.size() == k && "the factor is of other inputs");
  Layout layout = Layout::of(format, n, k);
  allocateQuantized(layout, result);
  // What an error costs once later weights have made up for it as they can.
  std::vector<float> importance(layout.depth);
  for (int64_t i = 0; i < k; ++i) {
    float u = factor.row(i)[i];
    importance[i] = 1 / (u * u);
  }
  QuantPanel panel(format, k, firstRow);
  for (int64_t first = 0; first < layout.blocks * Layout::kChannels;
       first += kLanes) {
    if (!panel.load(rows, first, n, error))
      return false;
    std::vector<Floats> original = panel.weights;
    quantizePanelInOrder(panel, format, factor, importance.data());
    panel.weights = std::move(original);
    if (!panel.store(result, first, n, error))
      return false;
  }
  return true;
}
