//===- ParallelLoops.h - Where a thread's own memory goes -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_BUILDERS_PARALLELLOOPS_H
#define MARIMBA_LOWERING_COMMON_BUILDERS_PARALLELLOOPS_H

#include "mlir/IR/Operation.h"

namespace mlir::marimba {

/// The outermost scf.forall or scf.parallel around `op`, of whose iterations
/// each thread runs a part; null where there is none.
Operation *outermostParallelLoop(Operation *op);

/// Where an alloca for `op` belongs: the beginning of that loop's body, or of
/// the function. In an inner loop it would grow the stack each iteration.
Block *stackBlock(Operation *op);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_BUILDERS_PARALLELLOOPS_H
