//===- ChooseQuantizedKernels.cpp - Who reads quantised weights -*- C++ -*-===//
//
// Part of Marimba. See passes/quantized/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/ProductAttributes.h"
#include "dialects/Marimba/IR/Quantized.h"
#include "passes/quantized/Passes.h"
#include "passes/quantized/QuantizedMatmul.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "choose-quantized-kernels"

namespace mlir::marimba {
#define GEN_PASS_DEF_CHOOSEQUANTIZEDKERNELS
#include "passes/quantized/ChooseQuantizedKernels.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct ConvertLinear : OpRewritePattern<LinearOp> {
  ConvertLinear(MLIRContext *ctx, bool library, bool integers, bool anyRows,
                bool wholeRows, bool bf16)
      : OpRewritePattern(ctx), library(library), integers(integers),
        anyRows(anyRows), wholeRows(wholeRows), bf16(bf16) {}

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    auto weight = cast<RankedTensorType>(op.getWeight().getType());
    if (!isQuantized(weight))
      return rewriter.notifyMatchFailure(op, "weight is not quantised");
    bool few = hasFewRows(op);
    bool integers = this->integers && layoutOf(weight).encoding.hasIntegers() &&
                    !op->hasAttr(kExactProductsAttr);
    bool anyRows = integers && this->anyRows;
    bool wholeRows = integers && this->wholeRows;
    if (library && !anyRows && !few && !op->hasAttr(kExactProductsAttr))
      return rewriter.notifyMatchFailure(op, "many rows: widened, by tiles");
    RowScales activations = RowScales::None;
    if (wholeRows && !few && layoutOf(weight).hasChannelScales())
      activations = RowScales::OneARow;
    else if (anyRows || (integers && few))
      activations = RowScales::Groups;
    Value input = op.getInput();
    // Widened weights are multiplied in f32: so is what was rounded for
    // products of bf16.
    if (auto rounded = input.getDefiningOp<arith::TruncFOp>();
        rounded && !bf16 && activations == RowScales::None)
      input = rounded.getIn();
    rewriter.replaceOp(op, buildQuantizedMatmul(rewriter, op.getLoc(), input,
                                                op.getWeight(), op.getBias(),
                                                activations));
    return success();
  }

  bool library, integers, anyRows, wholeRows, bf16;
};

struct ConvertEmbedding : OpRewritePattern<EmbeddingOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(EmbeddingOp op,
                                PatternRewriter &rewriter) const override {
    if (!isQuantized(op.getTable().getType()))
      return rewriter.notifyMatchFailure(op, "table is not quantised");
    ReifiedRankedShapedTypeDims sizes;
    if (failed(reifyResultShapes(rewriter, op, sizes)))
      return rewriter.notifyMatchFailure(op, "shape is unknown");
    Value empty = tensor::EmptyOp::create(rewriter, op.getLoc(), sizes[0],
                                          rewriter.getF32Type());
    rewriter.replaceOpWithNewOp<QuantizedEmbeddingOp>(
        op, TypeRange(empty.getType()), op.getIds(), op.getTable(), empty,
        TypeAttr::get(op.getTable().getType()));
    return success();
  }
};

struct ChooseQuantizedKernelsPass
    : mlir::marimba::impl::ChooseQuantizedKernelsBase<
          ChooseQuantizedKernelsPass> {
  using Base::Base;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ConvertLinear>(&getContext(), library, integers, anyRows,
                                wholeRows, bf16);
    CountRewrites counter(DEBUG_TYPE, numMatmuls, isAnyOf<LinearOp>);
    walkAndApplyPatterns(getOperation(), std::move(patterns), &counter);
    RewritePatternSet tables(&getContext());
    tables.add<ConvertEmbedding>(&getContext());
    CountRewrites embeddings(DEBUG_TYPE, numEmbeddings, isAnyOf<EmbeddingOp>);
    walkAndApplyPatterns(getOperation(), std::move(tables), &embeddings);
  }
};

} // namespace
