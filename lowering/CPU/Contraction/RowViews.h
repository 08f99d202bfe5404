//===- RowViews.h - The rows of a contraction -------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_CONTRACTION_ROWVIEWS_H
#define MARIMBA_LOWERING_CPU_CONTRACTION_ROWVIEWS_H

#include "lowering/CPU/Contraction/Consumers.h"

namespace mlir::marimba {

/// Whether a memref has one token of each sequence, [B, 1, any].
bool hasOneToken(Value output);

/// Replaces memrefs [B, T, any] by views [1, B * T, any] where, at run time,
/// each sequence begins where the one before it ends in all of them; else the
/// views are as the memrefs are. Of one token of each sequence, [B, 1, any],
/// they become [B, any]; memrefs of rank 2 stay.
void joinSequences(KernelBuilder &b, ContractionOperands &operands,
                   MutableArrayRef<Value> inputs);

/// Emits `one` where `output` has one row, else `many`: by its type, if that
/// says it, or at run time. Several rows share their reads of the weights. Of
/// sequences of any length, rank 3, `many` takes one row, too: that is not how
/// sessions decode, and half of the code.
void oneOrMany(KernelBuilder &b, Value output, llvm::function_ref<void()> one,
               llvm::function_ref<void()> many);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_CONTRACTION_ROWVIEWS_H
