//===- TileContraction.h - Products of small matrices -----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_LINALGTOVECTOR_TILECONTRACTION_H
#define MARIMBA_LOWERING_CPU_LINALGTOVECTOR_TILECONTRACTION_H

#include "lowering/CPU/Contraction/TileKernel.h"

namespace mlir {
class RewritePatternSet;

namespace marimba {

class KernelBuilder;

/// linalg.generic on buffers of the form y[m, n] += a[m, k] * b[k, n], with
/// contiguous rows, becomes loops over tiles of y that stay in registers.
/// Factors are f32 or bf16, `b` is possibly f32 and rounded to bf16 in the
/// body; sums are f32, in the order of k. With `bf16Dots` pairs of bf16 are
/// multiplied by dot products, for which some of b at a time is packed in
/// scratch. An op with the attribute `marimba.lower_triangular` has zeros in
/// `a` above the diagonal, which are left out.
void populateTileContractionPatterns(RewritePatternSet &patterns,
                                     const TileFacts &facts, bool bf16Dots);

/// linalg.generic on buffers, y[b, t, h, n] += x[b, t, h, k] * w[h, k, n] in
/// f32, becomes a parallel loop over heads and rows with such tiles in it.
void populateHeadProductsPatterns(RewritePatternSet &patterns,
                                  const TileFacts &facts);

/// Those tiles of y[m, n] += a[m, k] * b[k, n], of f32.
void emitProduct(KernelBuilder &builder, Value a, Value b, Value y,
                 const TileFacts &facts);

} // namespace marimba
} // namespace mlir

#endif // MARIMBA_LOWERING_CPU_LINALGTOVECTOR_TILECONTRACTION_H
