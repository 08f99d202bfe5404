//===- RowViews.h - The rows of a contraction -------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_CONTRACTION_ROWVIEWS_H
#define MARIMBA_LOWERING_CPU_CONTRACTION_ROWVIEWS_H

#include "lowering/CPU/Contraction/Consumers.h"

namespace mlir::marimba {

/// Replaces memrefs [B, T, any] by views [1, B * T, any] where, at run time,
/// each sequence begins where the one before it ends in all of them; else the
/// views are as the memrefs are. Memrefs of rank 2, and such of one token of
/// each sequence, stay.
void joinSequences(KernelBuilder &b, ContractionOperands &operands,
                   MutableArrayRef<Value> inputs);

/// Emits `few` where `output` has at most 16 rows, else `many`: by its type, if
/// that says it, or at run time. One token of each sequence is few rows.
void fewOrMany(KernelBuilder &b, Value output, llvm::function_ref<void()> few,
               llvm::function_ref<void()> many);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_CONTRACTION_ROWVIEWS_H
