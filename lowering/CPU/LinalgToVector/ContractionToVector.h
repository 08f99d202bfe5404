//===- ContractionToVector.h - Projections as generated loops ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_LINALGTOVECTOR_CONTRACTIONTOVECTOR_H
#define MARIMBA_LOWERING_CPU_LINALGTOVECTOR_CONTRACTIONTOVECTOR_H

#include <cstdint>

namespace mlir {
class RewritePatternSet;

namespace marimba {

/// linalg.generic on buffers of the form y[..., o] += x[..., k] * w[o, k]
/// becomes dot products along k with `lanes` lanes, 4 x 4 of them in registers.
void populateContractionToVectorPatterns(RewritePatternSet &patterns,
                                         int64_t lanes);

} // namespace marimba
} // namespace mlir

#endif // MARIMBA_LOWERING_CPU_LINALGTOVECTOR_CONTRACTIONTOVECTOR_H
