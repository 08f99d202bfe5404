//===- FuseConversions.cpp - Values are made in their last type -*- C++ -*-===//
//
// Part of Marimba. See passes/contraction/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/OneDNN/IR/OneDNN.h"
#include "passes/contraction/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "fuse-conversions"

namespace mlir::marimba {
#define GEN_PASS_DEF_FUSECONVERSIONS
#include "passes/contraction/FuseConversions.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// A tensor of `type` for `op` to write to, of the shape of `like`.
Value emptyLike(PatternRewriter &rewriter, Operation *op, Value like,
                Type type) {
  return tensor::EmptyOp::create(
      rewriter, op->getLoc(),
      tensor::getMixedSizes(rewriter, op->getLoc(), like), type);
}

/// A pattern that counts what it does.
struct CountingPattern : OpRewritePattern<arith::TruncFOp> {
  CountingPattern(MLIRContext *ctx, PassStatistic &statistic,
                  PatternBenefit benefit)
      : OpRewritePattern(ctx, benefit), statistic(statistic) {}

  PassStatistic &statistic;
};

/// A loop nest with one result yields it rounded.
struct IntoGeneric : CountingPattern {
  using CountingPattern::CountingPattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    auto generic = op.getIn().getDefiningOp<linalg::GenericOp>();
    if (!generic || generic->getNumResults() != 1 || !op.getIn().hasOneUse())
      return rewriter.notifyMatchFailure(op, "no loop nest of its own");
    if (generic.getNumParallelLoops() != generic.getNumLoops() ||
        generic.payloadUsesValueFromOperand(generic.getDpsInitOperand(0)))
      return rewriter.notifyMatchFailure(op, "sums stay wide");
    LDBG() << "rounded where a loop nest makes it: " << op.getLoc();
    Type narrow = getElementTypeOrSelf(op.getType());
    rewriter.setInsertionPoint(generic);
    Value empty =
        emptyLike(rewriter, generic, generic.getDpsInits()[0], narrow);
    auto fused = linalg::GenericOp::create(
        rewriter, generic.getLoc(), TypeRange{op.getType()},
        generic.getDpsInputs(), ValueRange{empty},
        generic.getIndexingMapsArray(), generic.getIteratorTypesArray());
    rewriter.inlineRegionBefore(generic.getRegion(), fused.getRegion(),
                                fused.getRegion().begin());
    Block *body = fused.getBody();
    body->getArguments().back().setType(narrow);
    auto yield = cast<linalg::YieldOp>(body->getTerminator());
    rewriter.setInsertionPoint(yield);
    Value rounded = arith::TruncFOp::create(rewriter, op.getLoc(), narrow,
                                            yield.getOperand(0));
    rewriter.modifyOpInPlace(yield, [&] { yield.setOperand(0, rounded); });
    rewriter.replaceOp(op, fused.getResult(0));
    rewriter.eraseOp(generic);
    ++statistic;
    return success();
  }
};

/// A matmul writes bf16: a generated one, or the library's of bf16.
struct IntoMatmul : CountingPattern {
  using CountingPattern::CountingPattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    auto matmul = op.getIn().getDefiningOp<PostOpsInterface>();
    if (!matmul || !op.getIn().hasOneUse() || matmul.readsDestination() ||
        !getElementTypeOrSelf(op.getType()).isBF16())
      return rewriter.notifyMatchFailure(op, "no matmul of its own");
    auto library = dyn_cast<onednn::MatmulOp>(matmul.getOperation());
    if (library && !getElementTypeOrSelf(library.getInput().getType()).isBF16())
      return rewriter.notifyMatchFailure(op, "the library multiplies f32");
    rewriter.setInsertionPoint(matmul);
    Value empty =
        emptyLike(rewriter, matmul, matmul.getDpsInitsMutable()[0].get(),
                  getElementTypeOrSelf(op.getType()));
    rewriter.modifyOpInPlace(matmul, [&] {
      matmul.getDpsInitsMutable().assign(empty);
      matmul->getResult(0).setType(cast<RankedTensorType>(empty.getType()));
    });
    rewriter.replaceOp(op, matmul->getResult(0));
    ++statistic;
    return success();
  }
};

/// So do the matmuls of experts.
struct IntoGrouped : CountingPattern {
  using CountingPattern::CountingPattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    auto matmul = op.getIn().getDefiningOp<GroupedMatmulOp>();
    if (!matmul || !op.getIn().hasOneUse() ||
        !getElementTypeOrSelf(op.getType()).isBF16())
      return rewriter.notifyMatchFailure(op, "no matmul of its own");
    rewriter.setInsertionPoint(matmul);
    Value empty = emptyLike(rewriter, matmul, matmul.getInits()[0],
                            getElementTypeOrSelf(op.getType()));
    rewriter.modifyOpInPlace(matmul, [&] {
      matmul.getInitsMutable().assign(empty);
      matmul->getResult(0).setType(cast<RankedTensorType>(empty.getType()));
    });
    rewriter.replaceOp(op, matmul->getResult(0));
    ++statistic;
    return success();
  }
};

/// The rest are copies by the library.
struct IntoReorder : CountingPattern {
  using CountingPattern::CountingPattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(op.getType());
    if (!type || type.getRank() < 2 || type.getRank() > 3 ||
        type.isDynamicDim(type.getRank() - 1) ||
        !type.getElementType().isBF16())
      return rewriter.notifyMatchFailure(op, "not rows of bf16");
    if (type.getRank() == 3 && type.getDimSize(1) == 1)
      return rewriter.notifyMatchFailure(op, "one token: not worth a call");
    Value empty = emptyLike(rewriter, op, op.getIn(), type.getElementType());
    rewriter.replaceOpWithNewOp<onednn::ReorderOp>(op, TypeRange{type},
                                                   op.getIn(), empty);
    ++statistic;
    return success();
  }
};

struct FuseConversionsPass
    : mlir::marimba::impl::FuseConversionsBase<FuseConversionsPass> {
  using FuseConversionsBase::FuseConversionsBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<IntoGeneric, IntoMatmul, IntoGrouped>(&getContext(), numFused,
                                                       /*benefit=*/2);
    if (reorder)
      patterns.add<IntoReorder>(&getContext(), numReorders, /*benefit=*/1);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
