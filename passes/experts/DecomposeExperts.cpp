//===- DecomposeExperts.cpp - Experts as grouped matmuls -*- C++ -*-===//
//
// Part of Marimba. See passes/experts/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/experts/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "decompose-experts"

namespace mlir::marimba {
#define GEN_PASS_DEF_DECOMPOSEEXPERTS
#include "passes/experts/DecomposeExperts.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// [B, T, X] to [B*T, X].
Value flattenRows(OpBuilder &b, Location loc, Value value) {
  SmallVector<ReassociationIndices> rows = {{0, 1}, {2}};
  return tensor::CollapseShapeOp::create(b, loc, value, rows);
}

/// The matrix of expert `e` of a stacked weight [E, rows, columns].
Value expertWeight(OpBuilder &b, Location loc, Value stacked, Value e) {
  auto type = cast<RankedTensorType>(stacked.getType());
  SmallVector<OpFoldResult> offsets = {e, b.getIndexAttr(0), b.getIndexAttr(0)};
  SmallVector<OpFoldResult> sizes = {b.getIndexAttr(1),
                                     b.getIndexAttr(type.getDimSize(1)),
                                     b.getIndexAttr(type.getDimSize(2))};
  SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
  auto matrix = RankedTensorType::get(
      type.getShape().drop_front(), type.getElementType(), type.getEncoding());
  return tensor::ExtractSliceOp::create(b, loc, matrix, stacked, offsets, sizes,
                                        strides);
}

/// `count` rounded up so that few sizes occur: up to 8 as it is, then to a
/// multiple of 8, beyond 64 of 16, the rows of a tile of AMX. The library makes
/// a primitive for each size that it sees.
Value bucketOf(OpBuilder &b, Location loc, Value count) {
  auto roundUp = [&](int64_t to) -> Value {
    Value size = arith::ConstantIndexOp::create(b, loc, to);
    Value tiles = arith::CeilDivUIOp::create(b, loc, count, size);
    return arith::MulIOp::create(b, loc, tiles, size);
  };
  auto above = [&](int64_t limit, Value then, Value otherwise) -> Value {
    Value bound = arith::ConstantIndexOp::create(b, loc, limit);
    Value more =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt, count, bound);
    return arith::SelectOp::create(b, loc, more, then, otherwise);
  };
  return above(64, roundUp(16), above(8, roundUp(8), count));
}

/// One expert on the rows `pairs` chose it for, as many as there are; returns
/// the new sum.
Value buildExpert(OpBuilder &b, ExpertsOp op, Value e, Value rows, Value pairs,
                  Value weights, Value sum) {
  Location loc = op.getLoc();
  int64_t hidden = op.getInput().getType().getShape().back();
  int64_t inner = op.getUp().getType().getDimSize(1);
  int64_t topK = op.getWeights().getType().getShape().back();
  // One token of a sequence chooses an expert once at most.
  bool few = op.getInput().getType().getDimSize(1) == 1;
  Type f32 = b.getF32Type();
  OpFoldResult count = tensor::getMixedSize(b, loc, pairs, 0);
  int64_t known = cast<RankedTensorType>(pairs.getType()).getDimSize(0);
  auto rowsType = [&](int64_t columns) {
    return RankedTensorType::get({known, columns}, f32);
  };
  bool isOnly = cast<RankedTensorType>(rows.getType()).getDimSize(0) == 1;
  OpFoldResult padded = count;
  if (ShapedType::isDynamic(known))
    padded = bucketOf(b, loc, cast<Value>(count));
  auto linear = [&](Value x, Value stacked, int64_t columns) -> Value {
    return LinearOp::create(b, loc, rowsType(columns), x,
                            expertWeight(b, loc, stacked, e), Value(), few);
  };
  Value x = rows;
  if (!isOnly) {
    Value empty = tensor::EmptyOp::create(
        b, loc, ArrayRef<OpFoldResult>{padded, b.getIndexAttr(hidden)}, f32);
    x = GatherRowsOp::create(b, loc, rowsType(hidden), rows, pairs, empty, topK)
            .getResult(0);
  }
  Value gate = op.getGate() ? linear(x, op.getGate(), inner) : Value();
  Value up = linear(x, op.getUp(), inner);
  Value h = gate ? Value(SwiGLUOp::create(b, loc, up.getType(), gate, up))
                 : Value(Relu2Op::create(b, loc, up));
  Value y = linear(h, op.getDown(), hidden);
  y = tensor::ExtractSliceOp::create(
      b, loc, rowsType(hidden), y,
      ArrayRef<OpFoldResult>{b.getIndexAttr(0), b.getIndexAttr(0)},
      ArrayRef<OpFoldResult>{count, b.getIndexAttr(hidden)},
      ArrayRef<OpFoldResult>{b.getIndexAttr(1), b.getIndexAttr(1)});
  return ScatterAddRowsOp::create(b, loc, sum.getType(), y, pairs, weights, sum,
                                  topK)
      .getResult(0);
}

/// What the loops over experts read.
struct Chosen {
  ExpertsOp op;
  Value rows, experts, weights; // [R, H], [R, K], [R*K]
  Value pairs, offsets;         // of GroupByExpertOp
};

Value indexAt(OpBuilder &b, Location loc, Value ids, ValueRange at) {
  Value id = tensor::ExtractOp::create(b, loc, ids, at);
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), id);
}

/// `sum` and what each of the experts with rows adds, in their order.
Value sumOfRows(OpBuilder &builder, const Chosen &all, Value zeros) {
  ExpertsOp op = all.op;
  Location loc = op.getLoc();
  Value c0 = arith::ConstantIndexOp::create(builder, loc, 0);
  Value c1 = arith::ConstantIndexOp::create(builder, loc, 1);
  Value end = arith::ConstantIndexOp::create(
      builder, loc, op.getUp().getType().getDimSize(0));
  auto loop = scf::ForOp::create(
      builder, loc, c0, end, c1, zeros,
      [&](OpBuilder &b, Location, Value e, ValueRange sums) {
        Value first = indexAt(b, loc, all.offsets, e);
        Value last = indexAt(b, loc, all.offsets,
                             Value(arith::AddIOp::create(b, loc, e, c1)));
        Value count = arith::SubIOp::create(b, loc, last, first);
        Value chosenByAny =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, count, c0);
        auto branch = scf::IfOp::create(
            b, loc, chosenByAny,
            [&](OpBuilder &b, Location) {
              Value group = tensor::ExtractSliceOp::create(
                  b, loc, all.pairs, ArrayRef<OpFoldResult>{first},
                  ArrayRef<OpFoldResult>{count},
                  ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
              scf::YieldOp::create(
                  b, loc,
                  buildExpert(b, op, e, all.rows, group, all.weights, sums[0]));
            },
            [&](OpBuilder &b, Location) {
              scf::YieldOp::create(b, loc, sums[0]);
            });
        scf::YieldOp::create(b, loc, branch.getResults());
      });
  return loop.getResult(0);
}

/// The same for one token: K experts of one row each, whose loops have nothing
/// between them that depends on a number of rows.
Value sumOfToken(OpBuilder &builder, const Chosen &all, Value zeros) {
  ExpertsOp op = all.op;
  Location loc = op.getLoc();
  int64_t topK = op.getWeights().getType().getShape().back();
  Value c0 = arith::ConstantIndexOp::create(builder, loc, 0);
  Value c1 = arith::ConstantIndexOp::create(builder, loc, 1);
  Value end = arith::ConstantIndexOp::create(builder, loc, topK);
  auto loop = scf::ForOp::create(
      builder, loc, c0, end, c1, zeros,
      [&](OpBuilder &b, Location, Value i, ValueRange sums) {
        OpFoldResult one = b.getIndexAttr(1);
        Value k = indexAt(b, loc, all.pairs, i);
        Value e = indexAt(b, loc, all.experts, {c0, k});
        Value group = tensor::ExtractSliceOp::create(
            b, loc, RankedTensorType::get({1}, b.getI32Type()), all.pairs,
            ArrayRef<OpFoldResult>{i}, ArrayRef{one}, ArrayRef{one});
        scf::YieldOp::create(
            b, loc,
            buildExpert(b, op, e, all.rows, group, all.weights, sums[0]));
      });
  return loop.getResult(0);
}

/// Where a call has one token of each sequence, it is mostly that of one
/// sequence.
Value sumOfExperts(OpBuilder &builder, const Chosen &all, Value zeros) {
  ExpertsOp op = all.op;
  Location loc = op.getLoc();
  ArrayRef<int64_t> shape = op.getInput().getType().getShape();
  if (shape[1] != 1 || shape[0] > 1)
    return sumOfRows(builder, all, zeros);
  if (shape[0] == 1)
    return sumOfToken(builder, all, zeros);
  OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
  OpFoldResult hidden = builder.getIndexAttr(shape[2]);
  auto row = RankedTensorType::get({1, shape[2]}, builder.getF32Type());
  auto first = [&](OpBuilder &b, Value from) -> Value {
    return tensor::ExtractSliceOp::create(
        b, loc, row, from, ArrayRef{zero, zero}, ArrayRef{one, hidden},
        ArrayRef{one, one});
  };
  Value rows = tensor::DimOp::create(builder, loc, all.rows, 0);
  Value c1 = arith::ConstantIndexOp::create(builder, loc, 1);
  Value isOne =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, rows, c1);
  return scf::IfOp::create(
             builder, loc, isOne,
             [&](OpBuilder &b, Location) {
               Chosen token = all;
               token.rows = first(b, all.rows);
               Value sum = sumOfToken(b, token, first(b, zeros));
               scf::YieldOp::create(
                   b, loc,
                   ValueRange{tensor::InsertSliceOp::create(
                       b, loc, sum, zeros, ArrayRef{zero, zero},
                       ArrayRef{one, hidden}, ArrayRef{one, one})});
             },
             [&](OpBuilder &b, Location) {
               scf::YieldOp::create(b, loc, sumOfRows(b, all, zeros));
             })
      .getResult(0);
}

/// Whether the types say that there are no tokens, or that every expert's sums
/// are of nothing.
bool isEmpty(ExpertsOp op) {
  return llvm::is_contained(op.getInput().getType().getShape(), 0) ||
         llvm::is_contained(op.getUp().getType().getShape(), 0);
}

Value zerosLike(OpBuilder &b, Location loc, Value value) {
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
  Value empty = tensor::EmptyOp::create(
      b, loc, tensor::getMixedSizes(b, loc, value), b.getF32Type());
  return linalg::FillOp::create(b, loc, zero, empty).getResult(0);
}

struct Decompose : OpRewritePattern<ExpertsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ExpertsOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    if (isEmpty(op)) {
      rewriter.replaceOp(op, zerosLike(rewriter, loc, op.getInput()));
      return success();
    }
    int64_t experts = op.getUp().getType().getDimSize(0);
    Type i32 = rewriter.getI32Type();
    Value rows = flattenRows(rewriter, loc, op.getInput());
    Value chosen = flattenRows(rewriter, loc, op.getExperts());
    Value weights = tensor::CollapseShapeOp::create(
        rewriter, loc, op.getWeights(),
        SmallVector<ReassociationIndices>{{0, 1, 2}});

    Value pairCount = tensor::DimOp::create(rewriter, loc, weights, 0);
    int64_t staticPairs =
        cast<RankedTensorType>(weights.getType()).getDimSize(0);
    OpFoldResult pairSize = ShapedType::isDynamic(staticPairs)
                                ? OpFoldResult(pairCount)
                                : rewriter.getIndexAttr(staticPairs);
    Value pairs =
        tensor::EmptyOp::create(rewriter, loc, ArrayRef{pairSize}, i32);
    Value offsets =
        tensor::EmptyOp::create(rewriter, loc, ArrayRef{experts + 1}, i32);
    auto groups = GroupByExpertOp::create(
        rewriter, loc, TypeRange{pairs.getType(), offsets.getType()}, chosen,
        ValueRange{pairs, offsets});

    Value sum = sumOfExperts(
        rewriter,
        {op, rows, chosen, weights, groups.getResult(0), groups.getResult(1)},
        zerosLike(rewriter, loc, rows));

    SmallVector<ReassociationIndices> unflatten = {{0, 1}, {2}};
    rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(
        op, op.getType(), sum, unflatten,
        tensor::getMixedSizes(rewriter, loc, op.getInput()));
    return success();
  }
};

struct DecomposeExpertsPass
    : mlir::marimba::impl::DecomposeExpertsBase<DecomposeExpertsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<Decompose>(&getContext());
    CountRewrites counter(DEBUG_TYPE, numDecomposed, isAnyOf<ExpertsOp>);
    walkAndApplyPatterns(getOperation(), std::move(patterns), &counter);
  }
};

} // namespace
