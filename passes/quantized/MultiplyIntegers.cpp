//===- MultiplyIntegers.cpp - Prefill in bytes ------------------*- C++ -*-===//
//
// Part of Marimba. See passes/quantized/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/ProductAttributes.h"
#include "dialects/Marimba/IR/Quantized.h"
#include "dialects/OneDNN/IR/OneDNN.h"
#include "passes/quantized/Passes.h"
#include "passes/quantized/QuantizedMatmul.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "multiply-integers"

namespace mlir::marimba {
#define GEN_PASS_DEF_MULTIPLYINTEGERS
#include "passes/quantized/MultiplyIntegers.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct Multiply : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &b) const override {
    auto weight = cast<RankedTensorType>(op.getWeight().getType());
    if (!isQuantized(weight))
      return b.notifyMatchFailure(op, "weight is not quantised");
    if (op->hasAttr(kExactProductsAttr))
      return b.notifyMatchFailure(op, "products are exact");
    formats::Layout layout = layoutOf(weight);
    if (!layout.hasChannelScales())
      return b.notifyMatchFailure(op, "no single scale for a channel of i8");
    if (hasFewRows(op))
      return b.notifyMatchFailure(op, "few rows");
    Location loc = op.getLoc();
    // What was rounded for products of bf16 is not rounded twice.
    Value input = op.getInput();
    if (auto rounded = input.getDefiningOp<arith::TruncFOp>())
      input = rounded.getIn();
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, input);
    auto empty = [&](int64_t last, Type element) -> Value {
      sizes.back() = b.getIndexAttr(last);
      return tensor::EmptyOp::create(b, loc, sizes, element);
    };
    Type f32 = b.getF32Type(), i32 = b.getI32Type();
    SmallVector<Value> inits = {empty(layout.depth, b.getI8Type()),
                                empty(1, f32), empty(1, f32)};
    auto rows =
        QuantizeRowsOp::create(b, loc, ValueRange(inits).getTypes(), input,
                               inits, /*offset=*/b.getUnitAttr());
    auto [stack, matrix] = QuantizedMatrix::of(b, op.getWeight());
    auto stored = TypeAttr::get(stack.getType());
    Value sums = empty(layout.channels, i32);
    sums = onednn::IntegerMatmulOp::create(b, loc, TypeRange(sums.getType()),
                                           rows->getResult(0), stack, matrix,
                                           sums, stored)
               ->getResult(0);
    SmallVector<Value> terms;
    for (Type element : {f32, i32})
      terms.push_back(
          tensor::EmptyOp::create(b, loc, ArrayRef{layout.channels}, element));
    auto channel = ChannelTermsOp::create(b, loc, ValueRange(terms).getTypes(),
                                          stack, matrix, terms, stored);
    b.replaceOp(op, scale(b, op, sums, rows->getResult(1),
                          channel->getResults(), empty(layout.channels, f32)));
    return success();
  }

private:
  /// (sums - 128 channel sums) * row scale * channel scale (+ bias)
  static Value scale(OpBuilder &b, LinearOp op, Value sums, Value rowScales,
                     ValueRange channel, Value output) {
    MLIRContext *ctx = b.getContext();
    unsigned rank = cast<RankedTensorType>(output.getType()).getRank();
    AffineMap all = b.getMultiDimIdentityMap(rank);
    SmallVector<AffineExpr> row;
    for (unsigned d = 0; d + 1 < rank; ++d)
      row.push_back(b.getAffineDimExpr(d));
    row.push_back(b.getAffineConstantExpr(0));
    AffineMap rows = AffineMap::get(rank, 0, row, ctx);
    AffineMap last = AffineMap::get(rank, 0, b.getAffineDimExpr(rank - 1));
    SmallVector<Value> inputs = {sums, rowScales, channel[0], channel[1]};
    SmallVector<AffineMap> maps = {all, rows, last, last};
    if (op.getBias()) {
      inputs.push_back(op.getBias());
      maps.push_back(last);
    }
    maps.push_back(all);
    SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::parallel);
    return linalg::GenericOp::create(
               b, op.getLoc(), output.getType(), inputs, output, maps, kinds,
               [&](OpBuilder &b, Location loc, ValueRange args) {
                 Type f32 = b.getF32Type();
                 Value offset = arith::ConstantIntOp::create(b, loc, 7, 32);
                 offset = arith::ShLIOp::create(b, loc, args[3], offset);
                 Value exact = arith::SubIOp::create(b, loc, args[0], offset);
                 Value sum = arith::SIToFPOp::create(b, loc, f32, exact);
                 Value factor = arith::MulFOp::create(b, loc, args[1], args[2]);
                 sum = arith::MulFOp::create(b, loc, sum, factor);
                 if (op.getBias()) {
                   Value bias = args[4];
                   if (!bias.getType().isF32())
                     bias = arith::ExtFOp::create(b, loc, f32, bias);
                   sum = arith::AddFOp::create(b, loc, sum, bias);
                 }
                 linalg::YieldOp::create(b, loc, sum);
               })
        .getResult(0);
  }
};

struct MultiplyIntegersPass
    : mlir::marimba::impl::MultiplyIntegersBase<MultiplyIntegersPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<Multiply>(&getContext());
    CountRewrites counter(DEBUG_TYPE, numMultiplied, isAnyOf<LinearOp>);
    walkAndApplyPatterns(getOperation(), std::move(patterns), &counter);
  }
};

} // namespace
