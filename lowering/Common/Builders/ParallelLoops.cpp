//===- ParallelLoops.cpp - Where a thread's own memory goes -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/Builders/ParallelLoops.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

Operation *mlir::marimba::outermostParallelLoop(Operation *op) {
  Operation *found = nullptr;
  for (Operation *parent = op->getParentOp(); parent;
       parent = parent->getParentOp())
    if (isa<scf::ForallOp, scf::ParallelOp>(parent))
      found = parent;
  return found;
}

Block *mlir::marimba::stackBlock(Operation *op) {
  Operation *around = outermostParallelLoop(op);
  if (!around)
    around = op->getParentOfType<FunctionOpInterface>();
  return &around->getRegion(0).front();
}
