//===- ExpandHeads.cpp - What follows a recurrence, by heads ----*- C++ -*-===//
//
// Part of Marimba. See passes/recurrence/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/recurrence/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#define DEBUG_TYPE "expand-heads"

namespace mlir::marimba {
#define GEN_PASS_DEF_EXPANDHEADS
#include "passes/recurrence/ExpandHeads.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

bool isElementwise(linalg::GenericOp op) {
  return op && op.hasPureTensorSemantics() &&
         op.getNumParallelLoops() == op.getNumLoops() &&
         llvm::all_of(op.getIndexingMapsArray(), [](AffineMap map) {
           return map.isProjectedPermutation();
         });
}

/// Whether `value` has a recurrence's heads and their values, or is made of
/// such a value element by element.
bool hasHeads(Value value) {
  while (auto generic = value.getDefiningOp<linalg::GenericOp>()) {
    if (!isElementwise(generic))
      return false;
    Value made;
    for (Value input : generic.getDpsInputs())
      if (input.getType() == value.getType() && hasHeads(input))
        made = input;
    if (!made)
      return false;
    value = made;
  }
  auto op = value.getDefiningOp<RecurrenceOpInterface>();
  return op && !op.getMatrixSizes().empty();
}

/// A reader of collapsed heads, or what makes another operand of one that has
/// been expanded.
bool isMoved(OpOperand *fused) {
  Operation *producer = fused->get().getDefiningOp();
  auto consumer = dyn_cast<linalg::GenericOp>(fused->getOwner());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(producer))
    return isElementwise(consumer) && hasHeads(collapse.getSrc());
  auto made = dyn_cast<linalg::GenericOp>(producer);
  if (!isElementwise(made) || !made->hasOneUse() ||
      !isa<tensor::ExpandShapeOp>(fused->getOwner()))
    return false;
  return llvm::any_of(fused->getOwner()->getUsers(), [](Operation *user) {
    return llvm::any_of(user->getOperands(), hasHeads);
  });
}

/// Counts generic ops that took another shape.
struct CountExpanded : RewriterBase::Listener {
  explicit CountExpanded(PassStatistic &statistic) : statistic(statistic) {}
  void notifyOperationErased(Operation *op) override {
    if (!isa<linalg::GenericOp>(op))
      return;
    LDBG() << "expanded: " << op->getLoc();
    ++statistic;
  }
  PassStatistic &statistic;
};

struct ExpandHeadsPass : mlir::marimba::impl::ExpandHeadsBase<ExpandHeadsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateFoldReshapeOpsByExpansionPatterns(patterns, isMoved);
    CountExpanded counter(numExpanded);
    GreedyRewriteConfig config;
    config.setListener(&counter);
    (void)applyPatternsGreedily(getOperation(), std::move(patterns), config);
  }
};

} // namespace
