//===- QuantizedToVector.h - Quantised weights in lanes ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_QUANTIZED_QUANTIZEDTOVECTOR_H
#define MARIMBA_LOWERING_CPU_QUANTIZED_QUANTIZEDTOVECTOR_H

#include "lowering/CPU/Contraction/TileKernel.h"
#include "lowering/Target/IntegerUnit.h"

#include "mlir/IR/PatternMatch.h"

namespace mlir::marimba {

/// Vector loops: channels in the lanes. Products of integers by `unit`; without
/// one, or for lanes that it does not have, they are left to plain loops. With
/// `byteTables` entries of codebooks are looked up in registers.
void populateQuantizedToVectorPatterns(RewritePatternSet &patterns,
                                       const TileFacts &facts, IntegerUnit unit,
                                       bool byteTables);
/// Of quantized_embedding.
void populateQuantizedEmbeddingToVectorPatterns(RewritePatternSet &patterns,
                                                int64_t lanes);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_QUANTIZED_QUANTIZEDTOVECTOR_H
