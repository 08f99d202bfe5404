//===- ParallelLoops.h - Where a thread's own memory goes -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_BUILDERS_PARALLELLOOPS_H
#define MARIMBA_LOWERING_COMMON_BUILDERS_PARALLELLOOPS_H

#include "mlir/IR/Operation.h"

namespace mlir::marimba {

/// The outermost scf.forall or scf.parallel around `op`, which a thread runs a
/// part of; null where there is none.
Operation *outermostParallelLoop(Operation *op);

/// Where an alloca for `op` belongs: the beginning of that loop's body, or of
/// the function. In a loop of its own it would take more of the stack each
/// time.
Block *stackBlock(Operation *op);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_BUILDERS_PARALLELLOOPS_H
