//===- QuantizedMatrix.h - What quantising makes of a matrix ----*- C++ -*-===//
//
// Part of Marimba. docs/quantization.md specifies the layout.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_QUANTIZEDMATRIX_H
#define MARIMBA_TOOLS_QUANTIZE_QUANTIZEDMATRIX_H

#include "marimba/formats/Layout.h"

#include <cstdint>
#include <vector>

namespace marimba {

using formats::Encoding;
using formats::Layout;
using formats::Offset;
using formats::Scalar;

/// How codes are found: by rounding to the nearest of a scale that the largest
/// weight decides, or with the scale of the smallest error.
enum class QuantMethod { Nearest, Search };

/// A matrix in its stored form; the vectors are the bytes of the parts.
struct QuantizedMatrix {
  std::vector<uint8_t> codes, scales, zeros;
  // Sums over all weights w, where w' is what is stored instead.
  double error = 0;  // of (w - w')^2
  double energy = 0; // of w^2
};

/// What a matrix lost, the same sums.
struct QuantError {
  double error = 0, energy = 0;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_QUANTIZEDMATRIX_H
