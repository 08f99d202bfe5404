//===- ContractionToVector.cpp - Projections as generated loops -*- C++ -*-===//
//
// Part of Marimba. Weights are [out, in] on disk, so both operands of a dot
// product are contiguous: the loops read them as they are, in their storage
// type, and pack nothing. Each vector that is loaded serves four products.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/LinalgToVector/ContractionToVector.h"

#include "lowering/Common/Builders/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

constexpr int64_t kRows = 4, kColumns = 4;

/// Whether the body is acc + x * w, the factors possibly widened from a
/// narrower storage type.
bool isMultiplyAdd(linalg::GenericOp op) {
  Block *body = op.getBlock();
  auto yield = cast<linalg::YieldOp>(body->getTerminator());
  auto add = yield.getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add)
    return false;
  auto mul = add.getRhs().getDefiningOp<arith::MulFOp>();
  auto stored = [](Value v) {
    if (auto wide = v.getDefiningOp<arith::ExtFOp>())
      return wide.getIn();
    return v;
  };
  return mul && add.getLhs() == body->getArgument(2) &&
         stored(mul.getLhs()) == body->getArgument(0) &&
         stored(mul.getRhs()) == body->getArgument(1);
}

/// y[lead..., o] += x[lead..., k] * w[o, k] with one or two leading dimensions.
bool isProjection(linalg::GenericOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1)
    return false;
  unsigned loops = op.getNumLoops();
  if (loops < 3 || loops > 4)
    return false;
  MLIRContext *ctx = op.getContext();
  SmallVector<unsigned> x, w = {loops - 2, loops - 1}, y;
  for (unsigned d = 0; d + 2 < loops; ++d) {
    x.push_back(d);
    y.push_back(d);
  }
  x.push_back(loops - 1);
  y.push_back(loops - 2);
  auto select = [&](ArrayRef<unsigned> dims) {
    return AffineMap::getMultiDimMapWithTargets(loops, dims, ctx);
  };
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto kinds = op.getIteratorTypesArray();
  return maps[0] == select(x) && maps[1] == select(w) && maps[2] == select(y) &&
         kinds.back() == utils::IteratorType::reduction &&
         llvm::all_of(
             ArrayRef(kinds).drop_back(),
             [](auto kind) { return kind == utils::IteratorType::parallel; }) &&
         isMultiplyAdd(op);
}

struct ContractionToVector : OpRewritePattern<linalg::GenericOp> {
  ContractionToVector(MLIRContext *ctx, int64_t lanes)
      : OpRewritePattern(ctx), lanes(lanes) {}

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (!isProjection(op))
      return rewriter.notifyMatchFailure(op, "no projection");
    KernelBuilder b(op.getLoc(), rewriter);
    Value x = op.getDpsInputs()[0], w = op.getDpsInputs()[1];
    Value y = op.getDpsInits()[0];
    bool batched = cast<MemRefType>(y.getType()).getRank() == 3;
    Value rows = b.dim(y, batched ? 1 : 0);
    Value columns = b.dim(y, batched ? 2 : 1);
    // Blocks of columns in parallel: a block's weights are read once a row
    // block, from the cache after the first.
    Value batch = batched ? b.dim(y, 0) : b.index(1);
    b.parallel(
        {batch, columns},
        [&](ValueRange at) {
          SmallVector<Value> outer;
          if (batched)
            outer.push_back(at[0]);
          Value first = at[1];
          Value last = b.mini(b.addi(first, b.index(kColumns)), columns);
          Value whole = b.addi(first, b.index(kColumns));
          b.ifThen(b.cmpi(/*lessThan=*/false, columns, whole),
                   [&] { overRows(b, x, w, y, outer, rows, first, kColumns); });
          b.ifThen(b.cmpi(/*lessThan=*/true, columns, whole), [&] {
            b.loop(first, last,
                   [&](Value o) { overRows(b, x, w, y, outer, rows, o, 1); });
          });
        },
        kColumns);
    rewriter.eraseOp(op);
    return success();
  }

  /// All rows for `count` columns from `column`.
  void overRows(KernelBuilder &b, Value x, Value w, Value y,
                ArrayRef<Value> outer, Value rows, Value column,
                int64_t count) const {
    Value rest = arith::RemUIOp::create(b, rows, b.index(kRows));
    Value even = b.subi(rows, rest);
    b.loop(
        b.index(0), even,
        [&](Value row) { tile(b, x, w, y, outer, row, kRows, column, count); },
        kRows);
    b.loop(even, rows,
           [&](Value row) { tile(b, x, w, y, outer, row, 1, column, count); });
  }

  /// rowCount x columnCount dot products.
  void tile(KernelBuilder &b, Value x, Value w, Value y, ArrayRef<Value> outer,
            Value row, int64_t rowCount, Value column,
            int64_t columnCount) const {
    auto rowAt = [&](int64_t r, Value last) {
      SmallVector<Value> at(outer);
      at.push_back(b.addi(row, b.index(r)));
      at.push_back(last);
      return at;
    };
    auto columnAt = [&](int64_t c) { return b.addi(column, b.index(c)); };
    Value depth = b.dim(w, 1);
    int64_t size = cast<MemRefType>(w.getType()).getDimSize(1);
    bool exact = !ShapedType::isDynamic(size) && size % lanes == 0;

    auto step = [&](Value k, ValueRange sums, Value mask) {
      SmallVector<Value> xs, ws, next;
      for (int64_t r = 0; r < rowCount; ++r)
        xs.push_back(b.loadVector(lanes, x, rowAt(r, k), mask));
      for (int64_t c = 0; c < columnCount; ++c)
        ws.push_back(b.loadVector(lanes, w, {columnAt(c), k}, mask));
      for (int64_t r = 0; r < rowCount; ++r)
        for (int64_t c = 0; c < columnCount; ++c)
          next.push_back(b.fma(xs[r], ws[c], sums[r * columnCount + c]));
      return next;
    };
    Value rest = arith::RemUIOp::create(b, depth, b.index(lanes));
    Value whole = b.subi(depth, rest);
    SmallVector<Value> sums(rowCount * columnCount, b.zeros(lanes));
    sums = b.loop(
        b.index(0), whole, sums,
        [&](Value k, ValueRange old) { return step(k, old, Value()); }, lanes);
    if (!exact) // at most once
      sums = step(whole, sums, b.tailMask(lanes, rest));
    for (int64_t r = 0; r < rowCount; ++r)
      for (int64_t c = 0; c < columnCount; ++c) {
        SmallVector<Value> at = rowAt(r, columnAt(c));
        Value sum = b.reduceAdd(sums[r * columnCount + c]);
        b.store(b.add(b.load(y, at), sum), y, at);
      }
  }

  int64_t lanes;
};

} // namespace

void mlir::marimba::populateContractionToVectorPatterns(
    RewritePatternSet &patterns, int64_t lanes) {
  patterns.add<ContractionToVector>(patterns.getContext(), lanes);
}
