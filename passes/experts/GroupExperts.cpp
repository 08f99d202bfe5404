//===- GroupExperts.cpp - Experts as grouped matmuls ------------*- C++ -*-===//
//
// Part of Marimba. See passes/experts/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/experts/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "group-experts"

namespace mlir::marimba {
#define GEN_PASS_DEF_GROUPEXPERTS
#include "passes/experts/GroupExperts.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// [B, T, X] to [B*T, X].
Value flattenRows(OpBuilder &b, Location loc, Value value) {
  SmallVector<ReassociationIndices> rows = {{0, 1}, {2}};
  return tensor::CollapseShapeOp::create(b, loc, value, rows);
}

/// [R, K] to [K, R]: what is one number for all lanes has to be contiguous.
Value transpose(OpBuilder &b, Location loc, Value weights) {
  auto type = cast<RankedTensorType>(weights.getType());
  OpFoldResult rows = tensor::getMixedSize(b, loc, weights, 0);
  Value empty = tensor::EmptyOp::create(
      b, loc, ArrayRef<OpFoldResult>{b.getIndexAttr(type.getDimSize(1)), rows},
      type.getElementType());
  return linalg::TransposeOp::create(b, loc, weights, empty,
                                     ArrayRef<int64_t>{1, 0})
      .getResult()[0];
}

/// `result[r, :] = sum_k weights[k, r] * y[r * K + k, :]`, in the order of k,
/// whatever other rows there are. As one elementwise op of K slices it becomes
/// one loop nest with channels in the lanes.
Value sumOfChosen(OpBuilder &b, Location loc, Value y, Value weights) {
  auto chosen = cast<RankedTensorType>(weights.getType());
  int64_t topK = chosen.getDimSize(0), count = chosen.getDimSize(1);
  int64_t hidden = cast<RankedTensorType>(y.getType()).getDimSize(1);
  OpFoldResult rows = tensor::getMixedSize(b, loc, weights, 1);
  Type f32 = b.getF32Type();
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  OpFoldResult all = b.getIndexAttr(hidden);
  SmallVector<ReassociationIndices> split = {{0, 1}, {2}};
  Value apart = tensor::ExpandShapeOp::create(
      b, loc, RankedTensorType::get({count, topK, hidden}, f32), y, split,
      ArrayRef<OpFoldResult>{rows, b.getIndexAttr(topK), all});
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  AffineMap both = b.getMultiDimIdentityMap(2);
  for (int64_t k = 0; k < topK; ++k) {
    OpFoldResult at = b.getIndexAttr(k);
    inputs.push_back(tensor::ExtractSliceOp::create(
        b, loc, RankedTensorType::get({count}, f32), weights,
        ArrayRef<OpFoldResult>{at, zero}, ArrayRef<OpFoldResult>{one, rows},
        ArrayRef<OpFoldResult>{one, one}));
    maps.push_back(AffineMap::get(2, 0, b.getAffineDimExpr(0)));
    inputs.push_back(tensor::ExtractSliceOp::create(
        b, loc, RankedTensorType::get({count, hidden}, f32), apart,
        ArrayRef<OpFoldResult>{zero, at, zero},
        ArrayRef<OpFoldResult>{rows, one, all},
        ArrayRef<OpFoldResult>{one, one, one}));
    maps.push_back(both);
  }
  maps.push_back(both);
  Value empty =
      tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{rows, all}, f32);
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, empty.getType(), inputs, empty, maps, iterators,
             [&](OpBuilder &nested, Location where, ValueRange args) {
               Value sum;
               for (int64_t k = 0; k < topK; ++k) {
                 Value product = arith::MulFOp::create(
                     nested, where, args[2 * k], args[2 * k + 1]);
                 sum = sum ? arith::AddFOp::create(nested, where, sum, product)
                           : product;
               }
               linalg::YieldOp::create(nested, where, sum);
             })
      .getResult(0);
}

struct Group : OpRewritePattern<ExpertsOp> {
  Group(MLIRContext *ctx, int64_t fewest)
      : OpRewritePattern(ctx), fewest(fewest) {}

  LogicalResult matchAndRewrite(ExpertsOp op,
                                PatternRewriter &rewriter) const override {
    for (Value matrix : op.getMatrices())
      if (isQuantized(matrix.getType()))
        return rewriter.notifyMatchFailure(op, "quantised weights");
    int64_t experts = op.getUp().getType().getDimSize(0);
    if (experts < fewest)
      return rewriter.notifyMatchFailure(op, Twine(experts) +
                                                 " experts, grouped from " +
                                                 Twine(fewest) + " on");
    if (llvm::is_contained(op.getInput().getType().getShape(), 0) ||
        llvm::is_contained(op.getUp().getType().getShape(), 0))
      return rewriter.notifyMatchFailure(op, "sums of nothing");
    Location loc = op.getLoc();
    Value rows = flattenRows(rewriter, loc, op.getInput());
    Value chosen = flattenRows(rewriter, loc, op.getExperts());
    Value weights =
        transpose(rewriter, loc, flattenRows(rewriter, loc, op.getWeights()));
    Value flat = tensor::CollapseShapeOp::create(
        rewriter, loc, op.getExperts(),
        SmallVector<ReassociationIndices>{{0, 1, 2}});
    OpFoldResult pairCount = tensor::getMixedSize(rewriter, loc, flat, 0);

    Type i32 = rewriter.getI32Type();
    auto empty = [&](OpFoldResult size, Type element) -> Value {
      return tensor::EmptyOp::create(rewriter, loc, ArrayRef{size}, element);
    };
    Value pairs = empty(pairCount, i32);
    Value offsets = empty(rewriter.getIndexAttr(experts + 1), i32);
    Value order = empty(rewriter.getIndexAttr(experts), i32);
    auto groups = GroupByExpertOp::create(
        rewriter, loc,
        TypeRange{pairs.getType(), offsets.getType(), order.getType()}, chosen,
        ValueRange{pairs, offsets, order});

    auto multiply = [&](Value x, Value up, Value gate, bool relu2,
                        int64_t topK) {
      int64_t channels = cast<RankedTensorType>(up.getType()).getDimSize(1);
      Value y = tensor::EmptyOp::create(
          rewriter, loc,
          ArrayRef<OpFoldResult>{pairCount, rewriter.getIndexAttr(channels)},
          rewriter.getF32Type());
      return GroupedMatmulOp::create(rewriter, loc, TypeRange{y.getType()}, x,
                                     up, gate, groups.getResult(0),
                                     groups.getResult(1), groups.getResult(2),
                                     y, topK, relu2)
          .getResult(0);
    };
    int64_t topK = op.getWeights().getType().getShape().back();
    Value h = multiply(rows, op.getUp(), op.getGate(), !op.getGate(), topK);
    Value y = multiply(h, op.getDown(), Value(), false, 1);
    rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(
        op, op.getType(), sumOfChosen(rewriter, loc, y, weights),
        SmallVector<ReassociationIndices>{{0, 1}, {2}},
        tensor::getMixedSizes(rewriter, loc, op.getInput()));
    return success();
  }

  int64_t fewest;
};

struct GroupExpertsPass
    : mlir::marimba::impl::GroupExpertsBase<GroupExpertsPass> {
  using GroupExpertsBase::GroupExpertsBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<Group>(&getContext(), fewest);
    CountRewrites counter(DEBUG_TYPE, numGrouped, isAnyOf<ExpertsOp>);
    walkAndApplyPatterns(getOperation(), std::move(patterns), &counter);
  }
};

} // namespace
