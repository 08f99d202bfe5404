//===- QuantizeMatrix.h - Weights to codes and scales -----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_QUANTIZEMATRIX_H
#define MARIMBA_TOOLS_QUANTIZE_QUANTIZEMATRIX_H

#include "tools/quantize/QuantizedMatrix.h"

namespace marimba {

/// Quantises `rows` [n,k], one row per output channel. `importance` [k], all
/// above 0, says what an error counts at each input (E[x_k^2]); null: the same
/// everywhere. The same rows give the same bytes on every processor; channels
/// do not depend on each other. False, with `error` set, where a weight is not
/// finite or a scale does not fit its type.
bool quantizeMatrix(const float *rows, int64_t n, int64_t k,
                    const Encoding &format, QuantMethod method,
                    const float *importance, QuantizedMatrix &result,
                    std::string &error, int64_t firstRow = 0);

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_QUANTIZEMATRIX_H
