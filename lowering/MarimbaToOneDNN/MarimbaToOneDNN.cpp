//===- MarimbaToOneDNN.cpp - Projections to the library ---------*- C++ -*-===//
//
// Part of Marimba. See lowering/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/OneDNN/IR/OneDNN.h"
#include "lowering/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace mlir::marimba {
#define GEN_PASS_DEF_CONVERTMARIMBATOONEDNN
#include "lowering/Passes.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct ConvertLinear : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    int64_t rank = op.getInput().getType().getRank();
    if (rank < 2 || rank > 3)
      return rewriter.notifyMatchFailure(op,
                                         "the call takes 2 or 3 dimensions");
    if (!op.getWeight().getType().hasStaticShape())
      return rewriter.notifyMatchFailure(op, "the weight's size is not known");
    ReifiedRankedShapedTypeDims shape;
    if (failed(reifyResultShapes(rewriter, op, shape)))
      return rewriter.notifyMatchFailure(op, "shape is unknown");
    Value empty = tensor::EmptyOp::create(rewriter, op.getLoc(), shape[0],
                                          rewriter.getF32Type());
    rewriter.replaceOpWithNewOp<onednn::MatmulOp>(op, TypeRange{op.getType()},
                                                  op.getInput(), op.getWeight(),
                                                  op.getBias(), empty);
    return success();
  }
};

struct ConvertMarimbaToOneDNNPass
    : mlir::marimba::impl::ConvertMarimbaToOneDNNBase<
          ConvertMarimbaToOneDNNPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ConvertLinear>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
