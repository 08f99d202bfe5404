//===- DecomposeLinearAttention.cpp - A chunk as matrix products ----------===//
//
// Part of Marimba. See passes/recurrence/Passes.td. With the running sum of
// log-decays G_t and steps d_t (Dao and Gu 2024, section 6; Qin et al. 2024):
//
//   M[t,j] = exp(G_t - G_j) q_t k_j for j <= t, else 0
//   Y      = M (d V) + diag(exp(G)) (Q S)
//   S      = exp(G_C) S + K^T (diag(exp(G_C - G)) d V)
//
// No exponent is above 0. A decay that underflows is 0, and nothing is divided
// by it. The products q k are the same for all heads of a group.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/ProductAttributes.h"
#include "passes/recurrence/ChunkBuilder.h"
#include "passes/recurrence/Passes.h"
#include "passes/recurrence/TileSizes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <tuple>

#define DEBUG_TYPE "decompose-linear-attention"

namespace mlir::marimba {
#define GEN_PASS_DEF_DECOMPOSELINEARATTENTION
#include "passes/recurrence/DecomposeLinearAttention.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

Value expOf(OpBuilder &b, Location loc, Value x) {
  return math::ExpOp::create(b, loc, x, arith::FastMathFlags::afn);
}
Value mulOf(OpBuilder &b, Location loc, Value x, Value y) {
  return arith::MulFOp::create(b, loc, x, y);
}

/// A product of a chunk's tokens by its tokens fits on a thread's stack.
constexpr int64_t kMostChunk = 256;
static_assert(kMostChunk * kMostChunk <= kMostElements);
/// A decay that is exp(this) or less is 0 in f32. No log-decay counts as less:
/// sums of them stay finite and, where one is minus infinity, numbers.
constexpr double kLeastLogDecay = -1000;

/// One op on one row and at most `most` tokens.
class Chunk {
public:
  Chunk(RewriterBase &rewriter, LinearAttentionOp op, int64_t most, bool bf16)
      : b(op.getLoc(), rewriter), op(op), most(most), keySize(op.getKeySize()),
        valueSize(op.getValueSize()) {
    f32 = b.getF32Type();
    factor = bf16 ? Type(b.getBF16Type()) : f32;
  }

  /// Output and state.
  SmallVector<Value> emit() {
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
    return b.loop(b.index(op.getGroups()), {output, op.getState()},
                  [&](Value group, ValueRange results) {
                    readGroup(group);
                    SmallVector<Value> carried(results);
                    carried.push_back(b.zeros(b.empty({most, most}, factor)));
                    carried =
                        b.loop(b.index(perGroup), carried,
                               [&](Value i, ValueRange now) {
                                 AffineExpr g, h;
                                 bindSymbols(b.getContext(), g, h);
                                 head = affine::makeComposedFoldedAffineApply(
                                     b, b.getLoc(), g * perGroup + h,
                                     {OpFoldResult(group), OpFoldResult(i)});
                                 return overHead(now[0], now[1], now[2]);
                               });
                    carried.pop_back();
                    return carried;
                  });
  }

private:
  Sizes matrix(OpFoldResult rows, OpFoldResult columns) {
    return {rows, columns};
  }
  Sizes tokensOf(int64_t columns) { return {tokens, b.attr(columns)}; }

  /// Tokens that are padding have zeros.
  Value withoutTokens(Value output, Value all) {
    Value rest = arith::SubIOp::create(b, all, end);
    Sizes offsets = {b.attr(0), tokens, b.attr(0), b.attr(0)};
    Sizes sizes = {b.attr(1), getAsOpFoldResult(rest), b.attr(op.getHeads()),
                   b.attr(valueSize)};
    Value padding = b.zeros(b.slice(output, offsets, sizes, {0, 1, 2, 3}));
    return b.insert(padding, output, offsets, sizes);
  }

  /// Tokens x elements of head or group `i` of [1, T, heads, elements].
  Value ofHead(Value from, OpFoldResult i) {
    int64_t size = cast<RankedTensorType>(from.getType()).getDimSize(3);
    return b.slice(from, {b.attr(0), b.attr(0), i, b.attr(0)},
                   {b.attr(1), tokens, b.attr(1), b.attr(size)}, {1, 3});
  }

  /// Queries, transposed keys and their products, which the heads of a group
  /// share. Copies: rows of the operands are a multiple of a page apart.
  void readGroup(Value group) {
    auto copy = [](OpBuilder &in, Location loc, ValueRange args) -> Value {
      if (args[0].getType() == args.back().getType())
        return args[0];
      return arith::TruncFOp::create(in, loc, args.back().getType(), args[0]);
    };
    Sizes byKey = matrix(b.attr(keySize), tokens);
    queries = b.each(
        {{ofHead(op.getQueries(), group), {0, 1}}},
        b.corner(b.empty({most, keySize}, factor), tokensOf(keySize)), copy);
    keys = b.each({{ofHead(op.getKeys(), group), {1, 0}}},
                  b.corner(b.empty({keySize, most}, factor), byKey), copy);
    Value zero =
        b.zeros(b.corner(b.empty({most, most}, f32), matrix(tokens, tokens)));
    scores = b.product(queries, keys, zero);
  }

  Value elementOf(Value from, ArrayRef<OpFoldResult> at) {
    SmallVector<Value> indices;
    for (OpFoldResult i : at)
      indices.push_back(getValueOrCreateConstantIndexOp(b, b.getLoc(), i));
    Value element = tensor::ExtractOp::create(b, from, indices);
    if (element.getType() != f32)
      element = arith::ExtFOp::create(b, f32, element);
    return element;
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
  /// Scratch for [T, P].
  Value valueRows() {
    return b.corner(b.empty({most, valueSize}, f32), tokensOf(valueSize));
  }

  SmallVector<Value> overHead(Value output, Value states, Value weights) {
    sumDecays();
    weights = weigh(weights);
    SmallVector<std::pair<Value, SmallVector<unsigned>>> parts;
    parts.push_back({ofHead(op.getValues(), head), {0, 1}});
    if (op.getStep())
      parts.push_back({steps, {0}});
    Value values = b.each(
        parts, valueRows(), [&](OpBuilder &in, Location loc, ValueRange args) {
          return args.size() == 3 ? mulOf(in, loc, args[0], args[1]) : args[0];
        });

    Sizes at = {b.attr(0), head, b.attr(0), b.attr(0)};
    Sizes size = {b.attr(1), b.attr(1), b.attr(keySize), b.attr(valueSize)};
    Value state = b.slice(states, at, size, {2, 3});
    output = read(output, weights, values, state);

    if (op.getDecay()) {
      Value left = factorsOf([&](OpBuilder &in, Location loc, ValueRange args) {
        return decayOf(in, loc, total, totalRest, args[0], args[1]);
      });
      // Without steps the values are those of the op.
      values = scaleRows(left, values, op.getStep() ? values : valueRows());
      Value all = expOf(b, b.getLoc(), total);
      state =
          b.each({}, state, [&](OpBuilder &in, Location loc, ValueRange args) {
            return mulOf(in, loc, all, args[0]);
          });
    }
    state = b.product(keys, values, state);
    return {output, b.insert(state, states, at, size), weights};
  }

  /// The triangle of M; above it are zeros.
  Value weigh(Value weights) {
    return b.loop(end, weights, [&](Value t, ValueRange now) {
      AffineExpr s;
      bindSymbols(b.getContext(), s);
      OpFoldResult count = affine::makeComposedFoldedAffineApply(
          b, b.getLoc(), s + 1, {OpFoldResult(t)});
      Sizes at = {t, b.attr(0)}, size = {b.attr(1), count};
      Value row = b.slice(now[0], at, size, {1});
      SmallVector<std::pair<Value, SmallVector<unsigned>>> parts;
      parts.push_back({b.slice(scores, at, size, {1}), {0}});
      Value own, ownRest;
      if (op.getDecay()) {
        for (Value part : {sums, rests})
          parts.push_back({b.slice(part, {b.attr(0)}, {count}, {0}), {0}});
        own = elementOf(sums, {t});
        ownRest = elementOf(rests, {t});
      }
      row =
          b.each(parts, row, [&](OpBuilder &in, Location loc, ValueRange args) {
            Value weight = args[0];
            if (own)
              weight = mulOf(in, loc, weight,
                             decayOf(in, loc, own, ownRest, args[1], args[2]));
            if (weight.getType() != factor)
              weight = arith::TruncFOp::create(in, loc, factor, weight);
            return weight;
          });
      return SmallVector<Value>{b.insert(row, now[0], at, size)};
    })[0];
  }

  /// The head's outputs.
  Value read(Value output, Value weights, Value values, Value state) {
    Value sum = b.zeros(valueRows());
    sum = b.product(queries, state, sum);
    if (op.getDecay()) {
      auto sinceStart = [](OpBuilder &in, Location loc, ValueRange args) {
        return expOf(in, loc, args[0]);
      };
      sum = scaleRows(factorsOf(sinceStart), sum, sum);
    }
    sum = b.product(b.corner(weights, matrix(tokens, tokens)), values, sum);
    sum.getDefiningOp()->setAttr(kLowerTriangularAttr, b.getUnitAttr());

    SmallVector<std::pair<Value, SmallVector<unsigned>>> parts;
    parts.push_back({sum, {0, 1}});
    Value skip;
    if (op.getD()) {
      skip = elementOf(op.getD(), {head});
      parts.push_back({ofHead(op.getX(), head), {0, 1}});
    }
    double scale = op.getScale().convertToDouble();
    Sizes at = {b.attr(0), b.attr(0), head, b.attr(0)};
    Sizes size = {b.attr(1), tokens, b.attr(1), b.attr(valueSize)};
    Value own = b.each(parts, b.slice(output, at, size, {1, 3}),
                       [&](OpBuilder &in, Location loc, ValueRange args) {
                         Value y = args[0];
                         if (scale != 1)
                           y = mulOf(in, loc, y,
                                     arith::ConstantOp::create(
                                         in, loc, in.getF32FloatAttr(scale)));
                         if (skip)
                           y = arith::AddFOp::create(
                               in, loc, y, mulOf(in, loc, skip, args[1]));
                         return y;
                       });
    return b.insert(own, output, at, size);
  }

  ChunkBuilder b;
  LinearAttentionOp op;
  int64_t most, keySize, valueSize;
  Type f32, factor; // factor: what is multiplied
  Value end;
  OpFoldResult tokens, head;
  Value queries, keys, scores; // [T,N], [N,T], [T,T] of a group
  Value sums, rests, steps;    // of a head, by token: log-decays so far
  Value total, totalRest;      // and those of all tokens
};

/// Vector instructions for each token of a head, the most of them products. A
/// product of bf16 has two terms; what is summed over half a chunk is exp, too.
struct CostModel {
  double keySize, vectors; // of values
  double chunk;
  bool bf16;
  int64_t lanes;

  double recurrent() const { return 3 * keySize * vectors; }
  double chunked() const {
    double products = (2 * keySize + chunk / 2) * vectors / (bf16 ? 2 : 1);
    double weights = 20 * std::ceil(chunk / 2 / lanes);
    double passes = 10 * vectors + keySize * vectors * 4 / chunk;
    return products + weights + passes;
  }
};

struct Decompose : OpRewritePattern<LinearAttentionOp> {
  Decompose(MLIRContext *context, int64_t chunk, bool bf16, bool always,
            int64_t lanes)
      : OpRewritePattern(context), chunk(chunk), bf16(bf16), always(always),
        lanes(lanes) {}

  LogicalResult matchAndRewrite(LinearAttentionOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "not on tensors");
    auto type = cast<RankedTensorType>(op.getValues().getType());
    if (type.getDimSize(0) != 1)
      return rewriter.notifyMatchFailure(op, "more than one row");
    if (type.getDimSize(1) == 1)
      return rewriter.notifyMatchFailure(op, "one token");
    if (op.getDeltaRule() || op.hasChannelDecay())
      return rewriter.notifyMatchFailure(op, "only the recurrence has it");
    if (llvm::is_contained(type.getShape(), 0) || op.getKeySize() == 0)
      return rewriter.notifyMatchFailure(op, "nothing to multiply");
    FailureOr<int64_t> most = ValueBoundsConstraintSet::computeConstantBound(
        presburger::BoundType::UB, {op.getValues(), /*dim=*/1},
        /*stopCondition=*/nullptr, /*closedUB=*/true);
    if (failed(most) || *most > chunk)
      return rewriter.notifyMatchFailure(op, "more tokens than a chunk");
    if (*most * std::max(op.getKeySize(), op.getValueSize()) > kMostElements)
      return rewriter.notifyMatchFailure(op, "too large for a thread's stack");
    double vectors = llvm::divideCeil(op.getValueSize(), lanes);
    CostModel cost = {double(op.getKeySize()), vectors, double(*most), bf16,
                      lanes};
    if (!always && cost.chunked() >= cost.recurrent())
      return rewriter.notifyMatchFailure(op, "the recurrence is cheaper");
    LDBG() << op.getLoc() << ": products of up to " << *most << " tokens";
    rewriter.replaceOp(op, Chunk(rewriter, op, *most, bf16).emit());
    return success();
  }

  int64_t chunk;
  bool bf16, always;
  int64_t lanes;
};

struct DecomposeLinearAttentionPass
    : mlir::marimba::impl::DecomposeLinearAttentionBase<
          DecomposeLinearAttentionPass> {
  using Base::Base;

  void runOnOperation() override {
    if (chunk < 1 || chunk > kMostChunk || lanes < 1) {
      getOperation().emitError("chunk of ")
          << chunk.getValue() << " tokens and vectors of " << lanes.getValue()
          << ", expected 1 to " << kMostChunk << " and at least 1";
      return signalPassFailure();
    }
    RewritePatternSet patterns(&getContext());
    patterns.add<Decompose>(&getContext(), chunk, bf16, always, lanes);
    CountRewrites counter(DEBUG_TYPE, numDecomposed,
                          isAnyOf<LinearAttentionOp>);
    walkAndApplyPatterns(getOperation(), std::move(patterns), &counter);
  }
};

} // namespace
