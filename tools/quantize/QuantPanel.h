//===- QuantPanel.h - Some channels while they are quantised ----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_QUANTPANEL_H
#define MARIMBA_TOOLS_QUANTIZE_QUANTPANEL_H

#include "tools/quantize/QuantLanes.h"

#include <string>
#include <vector>

namespace marimba {

/// kLanes channels of a matrix, one per lane, input by input, and what becomes
/// of them. Missing channels and inputs are zeros.
class QuantPanel {
public:
  /// Messages count rows from `firstRow`.
  QuantPanel(const Encoding &format, int64_t k, int64_t firstRow);

  /// Takes rows [first, first + kLanes) of [n,k]. False, with `error` set,
  /// where a weight is not finite.
  bool load(const float *rows, int64_t first, int64_t n, std::string &error);

  /// Puts the panel into `result`, whose vectors have the sizes of the whole
  /// matrix; `first` is a multiple of kLanes. False, with `error` set, where a
  /// scale does not fit its type.
  bool store(QuantizedMatrix &result, int64_t first, int64_t n,
             std::string &error) const;

  std::vector<lanes::Floats> weights; // [depth]
  std::vector<lanes::Floats> codes;   // [depth], less the zero point
  std::vector<lanes::Floats> scales;  // [groups]
  std::vector<lanes::Floats> zeros;   // [groups], empty without zero points

private:
  Layout layout; // of one block of channels
  int64_t firstRow;
};

/// Sizes the vectors of `result`.
void allocateQuantized(const Layout &layout, QuantizedMatrix &result);

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_QUANTPANEL_H
