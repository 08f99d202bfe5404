//===- QuantizedToVector.h - Quantised weights in lanes ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_QUANTIZED_QUANTIZEDTOVECTOR_H
#define MARIMBA_LOWERING_CPU_QUANTIZED_QUANTIZEDTOVECTOR_H

#include "lowering/CPU/Contraction/TileKernel.h"

#include "mlir/IR/PatternMatch.h"

namespace mlir::marimba {

/// Vector loops: channels in the lanes. With `integerDots` the target has
/// vpdpbusd; without, products of integers stay plain loops.
void populateQuantizedToVectorPatterns(RewritePatternSet &patterns,
                                       const TileFacts &facts,
                                       bool integerDots);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_QUANTIZED_QUANTIZEDTOVECTOR_H
