//===- LinearAttentionChunk.cpp - A chunk as matrix products --------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "passes/recurrence/LinearAttentionChunk.h"
#include "passes/recurrence/TriangularSolve.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::marimba;

LinearAttentionChunk::LinearAttentionChunk(RewriterBase &rewriter,
                                           LinearAttentionOp op, int64_t most,
                                           const ChunkOptions &options)
    : b(op.getLoc(), rewriter), op(op), most(most), keySize(op.getKeySize()),
      valueSize(op.getValueSize()), lanes(options.lanes) {
  f32 = b.getF32Type();
  factor = options.bf16 ? Type(b.getBF16Type()) : f32;
}

SmallVector<Value> LinearAttentionChunk::emit() {
  tokens = tensor::getMixedSize(b, b.getLoc(), op.getValues(), 1);
  Value all = getValueOrCreateConstantIndexOp(b, b.getLoc(), tokens);
  end = all;
  if (Value valid = op.getValid()) {
    Value first = tensor::ExtractOp::create(b, valid, ValueRange{b.index(0)});
    Value real = arith::IndexCastOp::create(b, b.getIndexType(), first);
    real = arith::MaxSIOp::create(b, real, b.index(0));
    end = arith::MinSIOp::create(b, real, all);
    tokens = end;
  }
  Value output = op.getOutput();
  if (op.getValid())
    output = withoutTokens(output, all);
  int64_t perGroup = op.getHeads() / op.getGroups();
  auto overGroup = [&](Value group, ValueRange results) {
    readGroup(group);
    SmallVector<Value> carried(results);
    llvm::append_range(carried, scratch());
    carried = b.loop(b.index(perGroup), carried, [&](Value i, ValueRange now) {
      AffineExpr g, h;
      bindSymbols(b.getContext(), g, h);
      head = affine::makeComposedFoldedAffineApply(
          b, b.getLoc(), g * perGroup + h,
          {OpFoldResult(group), OpFoldResult(i)});
      return overHead(now);
    });
    carried.truncate(results.size());
    return carried;
  };
  return b.loop(b.index(op.getGroups()), {output, op.getState()}, overGroup);
}

/// Tokens that are padding have zeros.
Value LinearAttentionChunk::withoutTokens(Value output, Value all) {
  Value rest = arith::SubIOp::create(b, all, end);
  Sizes offsets = {b.attr(0), tokens, b.attr(0), b.attr(0)};
  Sizes sizes = {b.attr(1), getAsOpFoldResult(rest), b.attr(op.getHeads()),
                 b.attr(valueSize)};
  Value padding = b.zeros(b.slice(output, offsets, sizes, {0, 1, 2, 3}));
  return b.insert(padding, output, offsets, sizes);
}

Value LinearAttentionChunk::ofHead(Value from, OpFoldResult i,
                                   OpFoldResult first, OpFoldResult count) {
  int64_t size = cast<RankedTensorType>(from.getType()).getDimSize(3);
  return b.slice(from, {b.attr(0), first, i, b.attr(0)},
                 {b.attr(1), count, b.attr(1), b.attr(size)}, {1, 3});
}

Value LinearAttentionChunk::elementOf(Value from, ArrayRef<OpFoldResult> at) {
  SmallVector<Value> indices;
  for (OpFoldResult i : at)
    indices.push_back(getValueOrCreateConstantIndexOp(b, b.getLoc(), i));
  Value element = tensor::ExtractOp::create(b, from, indices);
  if (element.getType() != f32)
    element = arith::ExtFOp::create(b, f32, element);
  return element;
}

Value LinearAttentionChunk::stateOf(Value states) {
  Sizes at = {b.attr(0), head, b.attr(0), b.attr(0)};
  Sizes size = {b.attr(1), b.attr(1), b.attr(keySize), b.attr(valueSize)};
  return b.slice(states, at, size, {2, 3});
}

Value LinearAttentionChunk::putState(Value state, Value states) {
  Sizes at = {b.attr(0), head, b.attr(0), b.attr(0)};
  Sizes size = {b.attr(1), b.attr(1), b.attr(keySize), b.attr(valueSize)};
  return b.insert(state, states, at, size);
}

Value LinearAttentionChunk::putOutput(Value read, Value output,
                                      OpFoldResult first, OpFoldResult count) {
  SmallVector<ChunkBuilder::Input> parts = {{read, {0, 1}}};
  Value skip;
  if (op.getD()) {
    skip = elementOf(op.getD(), {head});
    parts.push_back({ofHead(op.getX(), head, first, count), {0, 1}});
  }
  double scale = op.getScale().convertToDouble();
  auto body = [&](OpBuilder &in, Location loc, ValueRange args) {
    Value y = args[0];
    if (scale != 1)
      y = arith::MulFOp::create(
          in, loc, y,
          arith::ConstantOp::create(in, loc, in.getF32FloatAttr(scale)));
    if (skip)
      y = arith::AddFOp::create(in, loc, y,
                                arith::MulFOp::create(in, loc, skip, args[1]));
    return y;
  };
  Sizes at = {b.attr(0), first, head, b.attr(0)};
  Sizes size = {b.attr(1), count, b.attr(1), b.attr(valueSize)};
  Value own = b.each(parts, b.slice(output, at, size, {1, 3}), body);
  return b.insert(own, output, at, size);
}

Value LinearAttentionChunk::written(Value lower, Value known, Value decays,
                                    OpFoldResult first, OpFoldResult count) {
  int64_t rows = cast<RankedTensorType>(lower.getType()).getDimSize(0);
  int64_t columns = llvm::alignTo(valueSize, lanes);
  Value right = b.empty({rows, columns}, f32);
  Value stop = getValueOrCreateConstantIndexOp(b, b.getLoc(), count);
  // Side by side.
  auto gather = [&](Value t, ValueRange now) -> SmallVector<Value> {
    Value token = getValueOrCreateConstantIndexOp(b, b.getLoc(), first);
    token = arith::AddIOp::create(b, token, t);
    Value beta = elementOf(op.getBeta(), {b.attr(0), token, head});
    return {tensor::InsertOp::create(b, beta, now[0], t)};
  };
  Value betas = b.loop(stop, b.empty({rows}, f32), gather)[0];
  Sizes sizes = {count, b.attr(valueSize)};
  SmallVector<ChunkBuilder::Input> parts = {
      {ofHead(op.getValues(), head, first, count), {0, 1}},
      {b.corner(betas, {count}), {0}},
      {b.corner(known, sizes), {0, 1}}};
  if (decays)
    parts.push_back({decays, {0}});
  auto correct = [&](OpBuilder &in, Location loc, ValueRange args) -> Value {
    Value known = args[2];
    if (decays)
      known = arith::MulFOp::create(in, loc, args[3], known);
    Value wrong = arith::SubFOp::create(in, loc, args[0], known);
    return arith::MulFOp::create(in, loc, args[1], wrong);
  };
  right =
      b.putCorner(b.each(parts, b.corner(right, sizes), correct), right, sizes);
  return solveUnitLower(b, lower, right, stop, lanes);
}

/// Rows of a state that are decayed and added to together.
static constexpr int64_t kStateRows = 32;

Value LinearAttentionChunk::update(Value state, Value decays, Body decayed,
                                   Value left, Value right) {
  if (!decayed)
    return b.product(left, right, state);
  int64_t count = keySize % kStateRows ? keySize : kStateRows;
  OpFoldResult depth = tensor::getMixedSize(b, b.getLoc(), left, 1);
  auto some = [&](Value n, ValueRange now) -> SmallVector<Value> {
    Sizes at = {n, b.attr(0)}, size = {b.attr(count), b.attr(valueSize)};
    SmallVector<ChunkBuilder::Input> parts;
    if (decays)
      parts.push_back({b.slice(decays, {n}, {b.attr(count)}, {0}), {0}});
    Value rows = b.each(parts, b.slice(now[0], at, size, {0, 1}), decayed);
    Value own = b.slice(left, at, {b.attr(count), depth}, {0, 1});
    return {b.insert(b.product(own, right, rows), now[0], at, size)};
  };
  return b.loop(b.index(keySize), state, some, count)[0];
}
