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
  SetVector<Value> sources; // each once: many of them may be read twice
  sources.insert(value);
  for (size_t i = 0; i < sources.size(); ++i) {
    auto op = sources[i].getDefiningOp<RecurrenceOpInterface>();
    if (op && !op.getMatrixSizes().empty())
      return true;
    auto generic = sources[i].getDefiningOp<linalg::GenericOp>();
    if (!generic || !isElementwise(generic))
      continue;
    for (Value input : generic.getDpsInputs())
      if (input.getType() == value.getType())
        sources.insert(input);
  }
  return false;
}

/// Whether `op` alone reads elements of `value`.
bool isOnlyReader(Operation *op, Value value) {
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    return user == op || isa<tensor::DimOp>(user);
  });
}

/// The only reader of collapsed heads, or what makes another operand of one
/// that has been expanded.
bool isMoved(OpOperand *fused) {
  Operation *producer = fused->get().getDefiningOp();
  auto consumer = dyn_cast<linalg::GenericOp>(fused->getOwner());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(producer))
    return isElementwise(consumer) && hasHeads(collapse.getSrc()) &&
           isOnlyReader(consumer, collapse.getResult());
  auto made = dyn_cast<linalg::GenericOp>(producer);
  if (!isElementwise(made) || !made->hasOneUse() ||
      !isa<tensor::ExpandShapeOp>(fused->getOwner()))
    return false;
  return llvm::any_of(fused->getOwner()->getUsers(), [](Operation *user) {
    return llvm::any_of(user->getOperands(), hasHeads);
  });
}

/// Rows and tokens of collapsed heads are those of the heads: a collapse that
/// nobody else reads is not in the way.
struct DimOfCollapse : OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::DimOp dim,
                                PatternRewriter &rewriter) const override {
    auto collapse = dim.getSource().getDefiningOp<tensor::CollapseShapeOp>();
    std::optional<int64_t> index = dim.getConstantIndex();
    if (!collapse || !index)
      return failure();
    ReassociationIndices from = collapse.getReassociationIndices()[*index];
    if (from.size() != 1)
      return failure();
    rewriter.replaceOpWithNewOp<tensor::DimOp>(dim, collapse.getSrc(),
                                               from.front());
    return success();
  }
};

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
    patterns.add<DimOfCollapse>(&getContext());
    tensor::DimOp::getCanonicalizationPatterns(patterns, &getContext());
    CountExpanded counter(numExpanded);
    GreedyRewriteConfig config;
    config.setListener(&counter);
    (void)applyPatternsGreedily(getOperation(), std::move(patterns), config);
  }
};

} // namespace
