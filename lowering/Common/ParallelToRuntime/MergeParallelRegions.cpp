//===- MergeParallelRegions.cpp - One region for many loops -----*- C++ -*-===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/Common/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define DEBUG_TYPE "merge-parallel-regions"

namespace mlir::marimba {
#define GEN_PASS_DEF_MERGEPARALLELREGIONS
#include "lowering/Common/MergeParallelRegions.h.inc"
} // namespace mlir::marimba

using namespace mlir;

namespace {

/// Whether `op` may run before loops that stand in front of it. They have no
/// results, so that all its operands are there.
bool mayRunBeforeLoops(Operation &op) {
  if (op.hasTrait<OpTrait::IsTerminator>() || op.getNumRegions())
    return false;
  // Loops leave the arena's top and the weights' copies as they are, and the
  // order of experts, which sequential code writes.
  return isMemoryEffectFree(&op) ||
         isa<rt::ArenaAllocOp, rt::PackedWeightsOp, rt::StoredMatricesOp>(op);
}

struct MergeParallelRegionsPass
    : mlir::marimba::impl::MergeParallelRegionsBase<MergeParallelRegionsPass> {
  void runOnOperation() override {
    SmallVector<Block *> blocks;
    getOperation().walk([&](Block *block) {
      if (!isa<rt::ParallelPhasesOp>(block->getParentOp()))
        blocks.push_back(block);
    });
    for (Block *block : blocks)
      mergeIn(*block);
  }

  void mergeIn(Block &block) {
    SmallVector<rt::ParallelForOp> loops;
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (auto loop = dyn_cast<rt::ParallelForOp>(op)) {
        if (!loops.empty() && loops.front().getContext() != loop.getContext())
          merge(loops);
        loops.push_back(loop);
      } else if (loops.empty()) {
        continue;
      } else if (mayRunBeforeLoops(op)) {
        op.moveBefore(loops.front());
      } else {
        LDBG() << op.getName() << " ends a region of " << loops.size()
               << " loops";
        merge(loops);
      }
    }
    merge(loops);
  }

  /// Puts `loops` into one region, if there are several, and forgets them.
  void merge(SmallVector<rt::ParallelForOp> &loops) {
    if (loops.size() > 1) {
      OpBuilder b(loops.front());
      auto phases = rt::ParallelPhasesOp::create(b, loops.front().getLoc(),
                                                 loops.front().getContext());
      Block &body = phases.getPhases().emplaceBlock();
      for (rt::ParallelForOp loop : loops)
        loop->moveBefore(&body, body.end());
      ++numRegions;
      numLoops += loops.size();
    }
    loops.clear();
  }
};

} // namespace
