//===- FuseDiscretizeLinearAttention.cpp - One op for Mamba-2 ---*- C++ -*-===//
//
// Part of Marimba. See passes/recurrence/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/recurrence/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "fuse-discretize-linear-attention"

namespace mlir::marimba {
#define GEN_PASS_DEF_FUSEDISCRETIZELINEARATTENTION
#include "passes/recurrence/FuseDiscretizeLinearAttention.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct FuseStep : OpRewritePattern<LinearAttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearAttentionOp op,
                                PatternRewriter &rewriter) const override {
    auto discretize = op.getValues().getDefiningOp<DiscretizeHeadsOp>();
    if (!discretize)
      return rewriter.notifyMatchFailure(op, "values are not discretized");
    if (op.getDecay() != discretize.getLogDecay())
      return rewriter.notifyMatchFailure(op, "decays of another system");
    if (op.getDeltaRule())
      return rewriter.notifyMatchFailure(op, "no step goes with delta_rule");
    auto fused = cast<LinearAttentionOp>(rewriter.clone(*op));
    rewriter.modifyOpInPlace(fused, [&] {
      fused.getValuesMutable().assign(discretize.getU());
      fused.getDecayMutable().assign(discretize.getA());
      fused.getStepMutable().assign(discretize.getDelta());
    });
    rewriter.replaceOp(op, fused);
    if (discretize->use_empty())
      rewriter.eraseOp(discretize);
    return success();
  }
};

struct FuseDiscretizeLinearAttentionPass
    : mlir::marimba::impl::FuseDiscretizeLinearAttentionBase<
          FuseDiscretizeLinearAttentionPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseStep>(&getContext());
    CountRewrites counter(DEBUG_TYPE, numFused, isAnyOf<LinearAttentionOp>);
    walkAndApplyPatterns(getOperation(), std::move(patterns), &counter);
  }
};

} // namespace
