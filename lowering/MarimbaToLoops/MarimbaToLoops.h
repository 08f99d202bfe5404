//===- MarimbaToLoops.h - Pieces that vector loops share --------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_MARIMBATOLOOPS_MARIMBATOLOOPS_H
#define MARIMBA_LOWERING_MARIMBATOLOOPS_MARIMBATOLOOPS_H

#include "mlir/IR/Value.h"

namespace mlir::marimba {
class KernelBuilder;

/// Shifts the convolution state [B,W-1,D] of one row by `tokens` inputs
/// [B,T,D], for the channels [begin, end).
void updateConvState(KernelBuilder &b, Value input, Value state, Value row,
                     Value tokens, Value begin, Value end);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_MARIMBATOLOOPS_MARIMBATOLOOPS_H
