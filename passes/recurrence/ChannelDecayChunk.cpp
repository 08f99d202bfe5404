//===- ChannelDecayChunk.cpp - A log-decay for each key channel -----------===//
//
// Part of Marimba. See passes/recurrence/Passes.td. Blocks of 16 tokens, one
// after the other. With the products of decays since the block's start,
// E_t[i] = exp(g_1[i] + ... + g_t[i]), and those between two tokens (Yang et
// al. 2024; Kimi 2025):
//
//   M[t,j] = sum over i of q_t[i] exp(g_{j+1}[i] + ... + g_t[i]) k_j[i], j <= t
//   L[t,j] = -beta_t (the same of k_t), j < t
//   U      = V, or with the delta rule beta (V - (E K) S) + L U
//   Y      = M U + (E Q) S
//   S      = E_C S + W U
//   W[i,j] = exp(g_{j+1}[i] + ... + g_C[i]) k_j[i]
//
// exp(g_{j+1} + ... + g_t) is no product of something of t and of j that both
// stay finite. W keeps it for all j at once, one channel a vector: token by
// token it is decayed, read by q_t and k_t, and takes in k_t. Nothing grows and
// nothing is divided.
//
//===----------------------------------------------------------------------===//

#include "passes/recurrence/LinearAttentionChunk.h"
#include "passes/recurrence/TriangularSolve.h"

#include "dialects/Marimba/IR/ProductAttributes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Tokens of a block, a vector of them.
constexpr int64_t kBlock = kSolveTokens;
/// Tokens for which a vector of W is in a register.
constexpr int64_t kTogether = 4;

Value mulOf(OpBuilder &b, Location loc, Value x, Value y) {
  return arith::MulFOp::create(b, loc, x, y);
}

class ChannelDecayChunk : public LinearAttentionChunk {
public:
  using LinearAttentionChunk::LinearAttentionChunk;

private:
  void readGroup(Value index) override { group = index; }

  SmallVector<Value> overHead(ValueRange carried) override {
    auto block = [&](Value at, ValueRange now) {
      first = at;
      AffineExpr stop, start;
      bindSymbols(b.getContext(), stop, start);
      count = affine::makeComposedFoldedAffineMin(
          b, b.getLoc(),
          AffineMap::get(0, 2, {stop - start, b.getAffineConstantExpr(kBlock)},
                         b.getContext()),
          {OpFoldResult(end), OpFoldResult(first)});
      return overBlock(now[0], now[1]);
    };
    SmallVector<Value> next =
        b.loop(end, {carried[0], stateOf(carried[1])}, block, kBlock);
    return {next[0], putState(next[1], carried[1])};
  }

  /// Rows behind the last token hold anything, and only the last product leaves
  /// them out: sizes that are known make better code.
  SmallVector<Value> overBlock(Value output, Value state) {
    decayRows();
    weigh();
    Sizes whole = {b.attr(kBlock), b.attr(valueSize)};
    Value values;
    if (op.getDeltaRule()) {
      Value known = b.product(keys, state, b.zeros(valueRows()));
      values = b.corner(written(lower, known, Value(), first, count), whole);
    } else {
      values = copiedValues();
    }
    Value sum = b.product(queries, state, b.zeros(valueRows()));
    sum = b.product(weights, values, sum);
    sum.getDefiningOp()->setAttr(kLowerTriangularAttr, b.getUnitAttr());
    Sizes size = {count, b.attr(valueSize)};
    output = putOutput(b.corner(sum, size), output, first, count);

    Value left = b.corner(later, {b.attr(keySize), count});
    if (factor != f32)
      left = b.each({{left, {0, 1}}},
                    b.corner(b.empty({keySize, kBlock}, factor),
                             {b.attr(keySize), count}),
                    [&](OpBuilder &in, Location loc, ValueRange args) -> Value {
                      return arith::TruncFOp::create(in, loc, factor, args[0]);
                    });
    auto decayed = [](OpBuilder &in, Location loc, ValueRange args) {
      return mulOf(in, loc, args[0], args[1]);
    };
    return {output, update(state, all, decayed, left, b.corner(values, size))};
  }

  Value valueRows() { return b.empty({kBlock, valueSize}, f32); }

  /// V, side by side.
  Value copiedValues() {
    Sizes size = {count, b.attr(valueSize)};
    Value into = valueRows();
    Value rows =
        b.each({{ofHead(op.getValues(), head, first, count), {0, 1}}},
               b.corner(into, size),
               [](OpBuilder &, Location, ValueRange args) { return args[0]; });
    return b.putCorner(rows, into, size);
  }

  /// The decays of each token, 1 where there is none, E Q and E K, and E of the
  /// last token.
  void decayRows() {
    Value ones = arith::ConstantOp::create(b, b.getF32FloatAttr(1));
    auto filled = [&](ArrayRef<int64_t> shape) {
      return linalg::FillOp::create(b, ones, b.empty(shape, f32)).getResult(0);
    };
    SmallVector<Value> inits = {filled({keySize}), filled({kBlock, keySize}),
                                b.empty({kBlock, keySize}, factor),
                                b.empty({kBlock, keySize}, factor)};
    bool delta = op.getDeltaRule();
    if (!delta)
      inits.pop_back();
    Value stop = getValueOrCreateConstantIndexOp(b, b.getLoc(), count);
    SmallVector<Value> ends = b.loop(stop, inits, [&](Value t, ValueRange now) {
      Value token = arith::AddIOp::create(b, first, t);
      auto rowOf = [&](Value from, OpFoldResult of) {
        return b.slice(from, {b.attr(0), token, of, b.attr(0)},
                       {b.attr(1), b.attr(1), b.attr(1), b.attr(keySize)}, {3});
      };
      SmallVector<ChunkBuilder::Input> ins = {
          {rowOf(op.getDecay(), head), {0}},
          {rowOf(op.getQueries(), group), {0}}};
      if (delta)
        ins.push_back({rowOf(op.getKeys(), group), {0}});
      Sizes at = {t, b.attr(0)}, size = {b.attr(1), b.attr(keySize)};
      SmallVector<Value> outs = {now[0]};
      for (Value matrix : now.drop_front())
        outs.push_back(b.slice(matrix, at, size, {1}));
      outs =
          b.each(ins, outs, [&](OpBuilder &in, Location loc, ValueRange args) {
            Value decay = math::ExpOp::create(in, loc, args[0],
                                              arith::FastMathFlags::afn);
            Value since = mulOf(in, loc, args[ins.size()], decay);
            SmallVector<Value> next = {since, decay};
            for (Value row : args.slice(1, ins.size() - 1)) {
              Value decayed = mulOf(in, loc, row, since);
              if (factor != f32)
                decayed = arith::TruncFOp::create(in, loc, factor, decayed);
              next.push_back(decayed);
            }
            return next;
          });
      SmallVector<Value> next = {outs[0]};
      for (auto [row, matrix] :
           llvm::zip(ArrayRef(outs).drop_front(), now.drop_front()))
        next.push_back(b.insert(row, matrix, at, size));
      return next;
    });
    all = ends[0];
    decays = ends[1];
    queries = ends[2];
    keys = delta ? ends[3] : Value();
  }

  /// M, W and with the delta rule L.
  void weigh() {
    weights = b.empty({kBlock, kBlock}, factor);
    lower = op.getDeltaRule() ? b.empty({kBlock, kBlock}, f32) : Value();
    later = b.empty({keySize, kBlock}, f32);
    for (int64_t t = 0; t < kBlock; t += kTogether)
      weigh(t);
  }

  /// The same for kTogether tokens. Those behind the last one repeat it: they
  /// only change rows and columns that nobody reads.
  void weigh(int64_t begin) {
    bool delta = op.getDeltaRule();
    Value last = b.plus(end, -1);
    SmallVector<Value> tokens;
    for (int64_t t = begin; t < begin + kTogether; ++t)
      tokens.push_back(arith::MinSIOp::create(b, b.plus(first, t), last));
    auto type = VectorType::get({kBlock}, f32);
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
    SmallVector<Value> inits = {later};
    inits.append(kTogether * (delta ? 2 : 1), zero);
    Value groupIndex = getValueOrCreateConstantIndexOp(b, b.getLoc(), group);
    auto channel = [&](Value i, ValueRange now) {
      SmallVector<Value> next(now);
      Value w = begin ? b.readVector(now[0], {i, b.index(0)}, kBlock) : zero;
      for (int64_t t = 0; t < kTogether; ++t) {
        if (begin + t)
          w = mulOf(b, b.getLoc(), w,
                    b.spread(decays, {b.index(begin + t), i}, kBlock));
        auto add = [&](Value from, Value &sum) {
          Value x =
              b.spread(from, {b.index(0), tokens[t], groupIndex, i}, kBlock);
          sum = vector::FMAOp::create(b, x, w, sum);
          return x;
        };
        Value key =
            delta ? add(op.getKeys(), next[1 + kTogether + t])
                  : b.spread(op.getKeys(),
                             {b.index(0), tokens[t], groupIndex, i}, kBlock);
        SmallVector<bool> own(kBlock, false);
        own[begin + t] = true;
        Value mask = arith::ConstantOp::create(
            b, DenseElementsAttr::get(VectorType::get({kBlock}, b.getI1Type()),
                                      ArrayRef<bool>(own)));
        w = arith::SelectOp::create(b, mask, key, w);
        add(op.getQueries(), next[1 + t]);
      }
      next[0] = b.writeVector(w, now[0], {i, b.index(0)});
      return next;
    };
    SmallVector<Value> ends = b.loop(b.index(keySize), inits, channel);
    later = ends[0];
    for (int64_t t = 0; t < kTogether; ++t) {
      SmallVector<Value> at = {b.index(begin + t), b.index(0)};
      Value row = ends[1 + t];
      if (factor != f32)
        row =
            arith::TruncFOp::create(b, VectorType::get({kBlock}, factor), row);
      weights = b.writeVector(row, weights, at);
      if (!delta)
        continue;
      Value beta = elementOf(op.getBeta(), {b.attr(0), tokens[t], head});
      beta =
          vector::BroadcastOp::create(b, type, arith::NegFOp::create(b, beta));
      lower = b.writeVector(mulOf(b, b.getLoc(), beta, ends[1 + kTogether + t]),
                            lower, at);
    }
  }

  OpFoldResult group;
  Value first;          // token of the block
  OpFoldResult count;   // of its tokens
  Value queries, keys;  // E Q and E K, [16,N]
  Value decays, all;    // of each token [16,N], E of the last one [N]
  Value weights, lower; // M and L, [16,16]
  Value later;          // W, [N,16]
};

} // namespace

SmallVector<Value>
mlir::marimba::emitChannelDecayChunk(RewriterBase &rewriter,
                                     LinearAttentionOp op, int64_t most,
                                     const ChunkOptions &options) {
  return ChannelDecayChunk(rewriter, op, most, options).emit();
}
