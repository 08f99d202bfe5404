//===- HeadDecayChunk.cpp - One log-decay for each head -------------------===//
//
// Part of Marimba. See passes/recurrence/Passes.td. With the running sum of
// log-decays G_t and steps d_t (Dao and Gu 2024, section 6; Qin et al. 2024):
//
//   M[t,j] = exp(G_t - G_j) q_t k_j for j <= t, else 0
//   Y      = M U + diag(exp(G)) (Q S)
//   S      = exp(G_C) S + K^T (diag(exp(G_C - G)) U)
//
// with U = d V, or with the delta rule (Yang et al. 2025, section 3) the
// solution of
//
//   U = beta (V - diag(exp(G)) (K S)) + L U
//   L[t,j] = -beta_t exp(G_t - G_j) k_t k_j for j < t, else 0
//
// No exponent is above 0. A decay that underflows is 0, and nothing is divided
// by it. The products q k and k k are the same for all heads of a group.
//
//===----------------------------------------------------------------------===//

#include "passes/recurrence/LinearAttentionChunk.h"
#include "passes/recurrence/TriangularSolve.h"

#include "dialects/Marimba/IR/ProductAttributes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/MathExtras.h"
#include <tuple>

using namespace mlir;
using namespace mlir::marimba;

namespace {

Value expOf(OpBuilder &b, Location loc, Value x) {
  return math::ExpOp::create(b, loc, x, arith::FastMathFlags::afn);
}
Value mulOf(OpBuilder &b, Location loc, Value x, Value y) {
  return arith::MulFOp::create(b, loc, x, y);
}

/// A decay that is exp(this) or less is 0 in f32. No log-decay counts as less:
/// sums of them stay finite and, where one is minus infinity, numbers.
constexpr double kLeastLogDecay = -1000;

class HeadDecayChunk : public LinearAttentionChunk {
public:
  using LinearAttentionChunk::LinearAttentionChunk;

private:
  SmallVector<Value> scratch() override {
    return {b.zeros(b.empty({most, most}, factor))};
  }

  /// Queries, transposed keys and their products; with the delta rule keys and
  /// theirs, too. Copies: rows of the operands are a multiple of a page apart.
  void readGroup(Value group) override {
    auto copy = [](OpBuilder &in, Location loc, ValueRange args) -> Value {
      if (args[0].getType() == args.back().getType())
        return args[0];
      return arith::TruncFOp::create(in, loc, args.back().getType(), args[0]);
    };
    auto byToken = [&](Value rows, Value into) {
      return b.each({{rows, {0, 1}}}, b.corner(into, tokensOf(keySize)), copy);
    };
    auto inputs = [&] { return b.empty({most, keySize}, factor); };
    queries = byToken(ofHead(op.getQueries(), group), inputs());
    Value whole = b.empty({int64_t(llvm::alignTo(most, b.kSquare)),
                           int64_t(llvm::alignTo(keySize, b.kSquare))},
                          f32);
    whole = b.putCorner(byToken(ofHead(op.getKeys(), group), whole), whole,
                        tokensOf(keySize));
    keys =
        b.corner(b.transposed(whole, end, factor), {b.attr(keySize), tokens});
    auto withKeys = [&](Value rows) {
      Value zero = b.zeros(b.corner(b.empty({most, most}, f32), square()));
      return b.product(rows, keys, zero);
    };
    scores = withKeys(queries);
    if (!op.getDeltaRule())
      return;
    keyRows = b.corner(whole, tokensOf(keySize));
    if (factor != f32)
      keyRows = byToken(keyRows, inputs());
    keyScores = withKeys(keyRows);
  }

  /// The running sums of log-decays, and the last one; steps side by side. In
  /// f64, and kept as two f32: differences of large sums count.
  void sumDecays() {
    Value decay = op.getDecay();
    if (!decay)
      return;
    bool perToken = cast<RankedTensorType>(decay.getType()).getRank() == 3;
    Value constant;
    if (!perToken)
      constant = elementOf(decay, {head});
    Type f64 = b.getF64Type();
    Value empty = b.empty({most}, f32);
    SmallVector<Value> inits = {
        arith::ConstantOp::create(b, b.getF64FloatAttr(0)), empty, empty};
    if (op.getStep())
      inits.push_back(empty);
    SmallVector<Value> found = b.loop(end, inits, [&](Value t, ValueRange now) {
      auto put = [&](Value element, Value into) -> Value {
        return tensor::InsertOp::create(b, element, into, ValueRange{t});
      };
      Value g = perToken ? elementOf(decay, {b.attr(0), t, head}) : constant;
      g = arith::ExtFOp::create(b, f64, g);
      Value own;
      if (Value step = op.getStep()) {
        own = elementOf(step, {b.attr(0), t, head});
        g = arith::MulFOp::create(b, g, arith::ExtFOp::create(b, f64, own));
      }
      g = arith::MaximumFOp::create(
          b, g,
          arith::ConstantOp::create(b, b.getF64FloatAttr(kLeastLogDecay)));
      Value sum = arith::AddFOp::create(b, now[0], g);
      auto [high, low] = split(sum);
      SmallVector<Value> next = {sum, put(high, now[1]), put(low, now[2])};
      if (own)
        next.push_back(put(own, now[3]));
      return next;
    });
    std::tie(total, totalRest) = split(found[0]);
    sums = b.corner(found[1], {tokens});
    rests = b.corner(found[2], {tokens});
    if (op.getStep())
      steps = b.corner(found[3], {tokens});
  }

  /// An f64 as a sum of two f32.
  std::pair<Value, Value> split(Value sum) {
    Value high = arith::TruncFOp::create(b, f32, sum);
    Value back = arith::ExtFOp::create(b, sum.getType(), high);
    Value rest = arith::SubFOp::create(b, sum, back);
    return {high, arith::TruncFOp::create(b, f32, rest)};
  }

  /// What is left at a later token of what was there at one whose sum is given.
  static Value decayOf(OpBuilder &in, Location loc, Value later,
                       Value laterRest, Value sum, Value rest) {
    Value lost = arith::SubFOp::create(in, loc, later, sum);
    Value more = arith::SubFOp::create(in, loc, laterRest, rest);
    return expOf(in, loc, arith::AddFOp::create(in, loc, lost, more));
  }

  /// A vector of the tokens, made of their sums and rests.
  Value factorsOf(Body body) {
    return b.each({{sums, {0}}, {rests, {0}}},
                  b.corner(b.empty({most}, f32), {tokens}), body);
  }
  /// Rows of [T, P] times factors.
  Value scaleRows(Value factors, Value rows, Value into) {
    return b.each({{factors, {0}}, {rows, {0, 1}}}, into,
                  [](OpBuilder &in, Location loc, ValueRange args) {
                    return mulOf(in, loc, args[0], args[1]);
                  });
  }
  Sizes square() { return {tokens, tokens}; }
  /// Scratch for [T, P].
  Value valueRows() {
    return b.corner(b.empty({most, valueSize}, f32), tokensOf(valueSize));
  }

  SmallVector<Value> overHead(ValueRange carried) override {
    Value output = carried[0], states = carried[1], weights = carried[2];
    sumDecays();
    Value lower; // L
    if (op.getDeltaRule()) {
      int64_t rows = llvm::alignTo(most, kSolveTokens);
      lower = b.empty({rows, rows}, f32);
    }
    std::tie(weights, lower) = weigh(weights, lower);
    Value sinceStart;
    if (op.getDecay())
      sinceStart = factorsOf([](OpBuilder &in, Location loc, ValueRange args) {
        return expOf(in, loc, args[0]);
      });
    Value state = stateOf(states);
    Value values = op.getDeltaRule() ? correctedValues(lower, state, sinceStart)
                                     : stepValues();
    output = read(output, weights, values, state, sinceStart);

    Value all;
    if (op.getDecay()) {
      all = expOf(b, b.getLoc(), total);
      Value left = factorsOf([&](OpBuilder &in, Location loc, ValueRange args) {
        return decayOf(in, loc, total, totalRest, args[0], args[1]);
      });
      // Without steps the values are those of the op.
      bool own = op.getStep() || op.getDeltaRule();
      values = scaleRows(left, values, own ? values : valueRows());
    }
    auto decayed = [&](OpBuilder &in, Location loc, ValueRange args) {
      return mulOf(in, loc, all, args[0]);
    };
    state = update(state, Value(), all ? Body(decayed) : Body(), keys, values);
    return {output, putState(state, states), weights};
  }

  /// d V.
  Value stepValues() {
    SmallVector<ChunkBuilder::Input> parts;
    parts.push_back({ofHead(op.getValues(), head), {0, 1}});
    if (op.getStep())
      parts.push_back({steps, {0}});
    return b.each(
        parts, valueRows(), [&](OpBuilder &in, Location loc, ValueRange args) {
          return args.size() == 3 ? mulOf(in, loc, args[0], args[1]) : args[0];
        });
  }

  /// U of the delta rule.
  Value correctedValues(Value lower, Value state, Value sinceStart) {
    Value known = b.product(keyRows, state, b.zeros(valueRows()));
    return b.corner(written(lower, known, sinceStart, b.attr(0), tokens),
                    tokensOf(valueSize));
  }

  /// The triangles of M, above which are zeros, and with the delta rule of L.
  std::pair<Value, Value> weigh(Value weights, Value lower) {
    SmallVector<Value> inits = {weights};
    if (lower)
      inits.push_back(lower);
    SmallVector<Value> ends = b.loop(end, inits, [&](Value t, ValueRange now) {
      AffineExpr s;
      bindSymbols(b.getContext(), s);
      OpFoldResult count = affine::makeComposedFoldedAffineApply(
          b, b.getLoc(), s + 1, {OpFoldResult(t)});
      Sizes at = {t, b.attr(0)}, size = {b.attr(1), count};
      SmallVector<ChunkBuilder::Input> parts;
      parts.push_back({b.slice(scores, at, size, {1}), {0}});
      Value own, ownRest, beta;
      if (op.getDecay()) {
        for (Value part : {sums, rests})
          parts.push_back({b.slice(part, {b.attr(0)}, {count}, {0}), {0}});
        own = elementOf(sums, {t});
        ownRest = elementOf(rests, {t});
      }
      if (lower) {
        parts.push_back({b.slice(keyScores, at, size, {1}), {0}});
        beta = elementOf(op.getBeta(), {b.attr(0), t, head});
        beta = arith::NegFOp::create(b, beta);
      }
      SmallVector<Value> rows;
      for (Value matrix : now)
        rows.push_back(b.slice(matrix, at, size, {1}));
      rows = b.each(
          parts, rows, [&](OpBuilder &in, Location loc, ValueRange args) {
            Value decay;
            if (own)
              decay = decayOf(in, loc, own, ownRest, args[1], args[2]);
            auto decayed = [&](Value score) {
              return decay ? mulOf(in, loc, score, decay) : score;
            };
            Value weight = decayed(args[0]);
            if (weight.getType() != factor)
              weight = arith::TruncFOp::create(in, loc, factor, weight);
            SmallVector<Value> both = {weight};
            if (lower)
              both.push_back(
                  mulOf(in, loc, beta, decayed(args[parts.size() - 1])));
            return both;
          });
      SmallVector<Value> next;
      for (auto [row, matrix] : llvm::zip(rows, now))
        next.push_back(b.insert(row, matrix, at, size));
      return next;
    });
    return {ends[0], lower ? ends[1] : Value()};
  }

  /// The head's outputs.
  Value read(Value output, Value weights, Value values, Value state,
             Value sinceStart) {
    Value sum = b.zeros(valueRows());
    sum = b.product(queries, state, sum);
    if (sinceStart)
      sum = scaleRows(sinceStart, sum, sum);
    sum = b.product(b.corner(weights, square()), values, sum);
    sum.getDefiningOp()->setAttr(kLowerTriangularAttr, b.getUnitAttr());
    return putOutput(sum, output, b.attr(0), tokens);
  }

  Value queries, keys, keyRows; // [T,N], [N,T], [T,N] of a group
  Value scores, keyScores;      // [T,T] of a group
  Value sums, rests, steps;     // of a head, by token: log-decays so far
  Value total, totalRest;       // and those of all tokens
};

} // namespace

SmallVector<Value>
mlir::marimba::emitHeadDecayChunk(RewriterBase &rewriter, LinearAttentionOp op,
                                  int64_t most, const ChunkOptions &options) {
  return HeadDecayChunk(rewriter, op, most, options).emit();
}
