//===- FuseConvSilu.cpp - silu into the convolution -*- C++ -*-===//
//
// Part of Marimba. See passes/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace mlir::marimba {
#define GEN_PASS_DEF_FUSECONVSILU
#include "passes/Passes.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct FuseSilu : OpRewritePattern<SiluOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SiluOp silu,
                                PatternRewriter &rewriter) const override {
    auto conv = silu.getInput().getDefiningOp<CausalConv1dOp>();
    // Result 1 is the state: raw inputs, never activated.
    if (!conv || silu.getInput() != conv.getResult(0))
      return rewriter.notifyMatchFailure(silu, "input is no convolution");
    if (conv.getSilu() || !silu.getInput().hasOneUse())
      return rewriter.notifyMatchFailure(silu, "output has other readers");
    rewriter.modifyOpInPlace(conv, [&] { conv.setSilu(true); });
    rewriter.replaceOp(silu, conv.getResult(0));
    return success();
  }
};

struct FuseConvSiluPass
    : mlir::marimba::impl::FuseConvSiluBase<FuseConvSiluPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseSilu>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
