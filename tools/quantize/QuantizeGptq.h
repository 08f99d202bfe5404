//===- QuantizeGptq.h - Weights to codes by their inputs --------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_QUANTIZEGPTQ_H
#define MARIMBA_TOOLS_QUANTIZE_QUANTIZEGPTQ_H

#include "tools/quantize/GptqFactor.h"
#include "tools/quantize/QuantizedMatrix.h"

namespace marimba {

/// Quantises `rows` [n,k] so that the projection of the inputs that `factor`
/// stands for changes little (GPTQ, Frantar et al. 2022): input after input, in
/// order, what an input's code loses is made up for by the weights of later
/// inputs; a group's scale is searched for when its first input's turn comes.
/// `result.error` is that of the weights, not of the projection. Otherwise as
/// quantizeMatrix().
bool quantizeGptq(const float *rows, int64_t n, int64_t k,
                  const Encoding &format, const GptqFactor &factor,
                  QuantizedMatrix &result, std::string &error,
                  int64_t firstRow = 0);

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_QUANTIZEGPTQ_H
