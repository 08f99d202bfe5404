//===- QuantizeMatrix.cpp - Weights to codes and scales -------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/QuantizeMatrix.h"

#include "tools/quantize/QuantPanel.h"

#include <algorithm>

using namespace marimba;
using namespace marimba::lanes;

/// `importance` has the padded inputs, too.
template <bool weighted>
MARIMBA_LANES void quantizeGroups(QuantPanel &panel, const Encoding &format,
                                  QuantMethod method, const float *importance) {
  int64_t groups = panel.scales.size();
  int64_t size = panel.weights.size() / groups;
  for (int64_t g = 0; g < groups; ++g) {
    Group group{panel.weights.data() + g * size,
                weighted ? importance + g * size : nullptr, size};
    Extremes ends = extremes(group);
    Choice best = method == QuantMethod::Nearest
                      ? nearest<weighted>(group, ends, format)
                      : search<weighted>(group, ends, format);
    Floats factor = inverse(best.scale);
    for (int64_t i = 0; i < size; ++i)
      panel.codes[g * size + i] = code(group.weights[i], factor, best.range);
    panel.scales[g] = best.scale;
    if (format.offset == Offset::ZeroPoint)
      panel.zeros[g] = -best.range.lowest;
  }
}

namespace marimba::lanes {
// Not static: compilers choose among the clones by their names.
void quantizePanel(QuantPanel &panel, const Encoding &format,
                   QuantMethod method, const float *importance);

MARIMBA_FOR_VECTOR_UNITS
void quantizePanel(QuantPanel &panel, const Encoding &format,
                   QuantMethod method, const float *importance) {
  if (importance)
    quantizeGroups<true>(panel, format, method, importance);
  else
    quantizeGroups<false>(panel, format, method, nullptr);
}
} // namespace marimba::lanes

bool marimba::quantizeMatrix(const float *rows, int64_t n, int64_t k,
                             const Encoding &format, QuantMethod method,
                             const float *importance, QuantizedMatrix &result,
                             std::string &error, int64_t firstRow) {
  Layout layout = Layout::of(format, n, k);
  allocateQuantized(layout, result);
  std::vector<float> padded;
  if (importance) {
    padded.assign(importance, importance + k);
    padded.resize(layout.depth);
  }
  QuantPanel panel(format, k, firstRow);
  // Whole blocks: the channels that pad the last one are zeros.
  for (int64_t first = 0; first < layout.blocks * Layout::kChannels;
       first += kLanes) {
    if (!panel.load(rows, first, n, error))
      return false;
    quantizePanel(panel, format, method, importance ? padded.data() : nullptr);
    if (!panel.store(result, first, n, error))
      return false;
  }
  return true;
}
