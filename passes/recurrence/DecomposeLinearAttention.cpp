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
#include "passes/recurrence/Passes.h"

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

#define DEBUG_TYPE "decompose-linear-attention"

namespace mlir::marimba {
#define GEN_PASS_DEF_DECOMPOSELINEARATTENTION
#include "passes/recurrence/DecomposeLinearAttention.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

using Sizes = SmallVector<OpFoldResult>;
using Body = llvm::function_ref<Value(OpBuilder &, Location, ValueRange)>;

/// Tensors of a chunk and the loops around them.
class ChunkBuilder : public ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(*this, value);
  }
  OpFoldResult attr(int64_t value) { return getIndexAttr(value); }

  Value empty(ArrayRef<int64_t> shape, Type type) {
    return tensor::EmptyOp::create(*this, shape, type);
  }
  Value zeros(Value like) {
    Value zero = arith::ConstantOp::create(
        *this, cast<TypedAttr>(getZeroAttr(getElementTypeOrSelf(like))));
    return linalg::FillOp::create(*this, zero, like).getResult(0);
  }

  /// The slice of unit dimensions dropped but for `kept`.
  Value slice(Value from, const Sizes &offsets, const Sizes &sizes,
              ArrayRef<int64_t> kept) {
    SmallVector<int64_t> shape;
    for (int64_t d : kept)
      shape.push_back(
          getConstantIntValue(sizes[d]).value_or(ShapedType::kDynamic));
    auto type = RankedTensorType::get(shape, getElementTypeOrSelf(from));
    return tensor::ExtractSliceOp::create(*this, type, from, offsets, sizes,
                                          Sizes(sizes.size(), attr(1)));
  }
  Value insert(Value part, Value into, const Sizes &offsets,
               const Sizes &sizes) {
    return tensor::InsertSliceOp::create(*this, part, into, offsets, sizes,
                                         Sizes(sizes.size(), attr(1)));
  }
  /// The first `sizes` of a matrix or vector, and the inverse.
  Value corner(Value from, const Sizes &sizes) {
    auto dims = llvm::to_vector(llvm::seq<int64_t>(sizes.size()));
    return slice(from, Sizes(sizes.size(), attr(0)), sizes, dims);
  }
  Value putCorner(Value part, Value into, const Sizes &sizes) {
    return insert(part, into, Sizes(sizes.size(), attr(0)), sizes);
  }

  /// An elementwise op of as many loops as `out` has dimensions. Each input
  /// has the loops that its list names.
  Value each(ArrayRef<std::pair<Value, SmallVector<unsigned>>> ins, Value out,
             Body body) {
    unsigned rank = cast<RankedTensorType>(out.getType()).getRank();
    SmallVector<Value> values;
    SmallVector<AffineMap> maps;
    for (const auto &[value, dims] : ins) {
      values.push_back(value);
      maps.push_back(
          AffineMap::getMultiDimMapWithTargets(rank, dims, getContext()));
    }
    maps.push_back(getMultiDimIdentityMap(rank));
    SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::parallel);
    return linalg::GenericOp::create(
               *this, out.getType(), values, out, maps, kinds,
               [&](OpBuilder &b, Location loc, ValueRange args) {
                 linalg::YieldOp::create(b, loc, body(b, loc, args));
               })
        .getResult(0);
  }

  /// out[m, n] += a[m, k] b[k, n]. Where `a` is of bf16, b is rounded to it;
  /// sums are f32.
  Value product(Value a, Value b, Value out) {
    auto map = [&](ArrayRef<unsigned> dims) {
      return AffineMap::getMultiDimMapWithTargets(3, dims, getContext());
    };
    SmallVector<AffineMap> maps = {map({0, 2}), map({2, 1}), map({0, 1})};
    SmallVector<utils::IteratorType> kinds = {utils::IteratorType::parallel,
                                              utils::IteratorType::parallel,
                                              utils::IteratorType::reduction};
    auto f32 = getF32Type();
    return linalg::GenericOp::create(
               *this, out.getType(), ValueRange{a, b}, out, maps, kinds,
               [&](OpBuilder &in, Location loc, ValueRange args) {
                 Value x = args[0], y = args[1];
                 Type narrow = x.getType();
                 if (y.getType() != narrow)
                   y = arith::TruncFOp::create(in, loc, narrow, y);
                 if (narrow != f32) {
                   x = arith::ExtFOp::create(in, loc, f32, x);
                   y = arith::ExtFOp::create(in, loc, f32, y);
                 }
                 Value both = arith::MulFOp::create(in, loc, x, y);
                 Value sum = arith::AddFOp::create(in, loc, args[2], both);
                 linalg::YieldOp::create(in, loc, sum);
               })
        .getResult(0);
  }

  /// A loop that carries tensors; the body returns their next values.
  SmallVector<Value>
  loop(Value end, ValueRange inits,
       llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body,
       int64_t step = 1) {
    auto loop = scf::ForOp::create(*this, index(0), end, index(step), inits);
    OpBuilder::InsertionGuard guard(*this);
    setInsertionPointToEnd(loop.getBody());
    scf::YieldOp::create(
        *this, body(loop.getInductionVar(), loop.getRegionIterArgs()));
    return loop.getResults();
  }
};

Value expOf(OpBuilder &b, Location loc, Value x) {
  return math::ExpOp::create(b, loc, x, arith::FastMathFlags::afn);
}
Value mulOf(OpBuilder &b, Location loc, Value x, Value y) {
  return arith::MulFOp::create(b, loc, x, y);
}

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
    Value all = tensor::DimOp::create(b, op.getValues(), 1);
    end = all;
    if (Value valid = op.getValid()) {
      Value first = tensor::ExtractOp::create(b, valid, ValueRange{b.index(0)});
      Value real = arith::IndexCastOp::create(b, b.getIndexType(), first);
      real = arith::MaxSIOp::create(b, real, b.index(0));
      end = arith::MinSIOp::create(b, real, all);
    }
    tokens = getAsOpFoldResult(end);
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

  /// The running sums of log-decays, and the last one.
  void sumDecays() {
    Value decay = op.getDecay();
    if (!decay)
      return;
    bool perToken = cast<RankedTensorType>(decay.getType()).getRank() == 3;
    Value constant;
    if (!perToken)
      constant = elementOf(decay, {head});
    Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
    SmallVector<Value> found =
        b.loop(end, {zero, b.empty({most}, f32)}, [&](Value t, ValueRange now) {
          Value g =
              perToken ? elementOf(decay, {b.attr(0), t, head}) : constant;
          if (Value step = op.getStep())
            g = arith::MulFOp::create(b, g,
                                      elementOf(step, {b.attr(0), t, head}));
          Value sum = arith::AddFOp::create(b, now[0], g);
          Value sums = tensor::InsertOp::create(b, sum, now[1], ValueRange{t});
          return SmallVector<Value>{sum, sums};
        });
    total = found[0];
    sums = b.corner(found[1], {tokens});
  }

  /// out = exp(f) * out of [T, P], f by token, made of the sums.
  Value decayRows(Value rows, Body exponent) {
    if (!op.getDecay())
      return rows;
    Value factors =
        b.each({{sums, {0}}}, b.corner(b.empty({most}, f32), {tokens}),
               [&](OpBuilder &in, Location loc, ValueRange args) {
                 return expOf(in, loc, exponent(in, loc, args));
               });
    return b.each({{factors, {0}}}, rows,
                  [](OpBuilder &in, Location loc, ValueRange args) {
                    return mulOf(in, loc, args[0], args[1]);
                  });
  }

  SmallVector<Value> overHead(Value output, Value states, Value weights) {
    sumDecays();
    weights = weigh(weights);
    SmallVector<std::pair<Value, SmallVector<unsigned>>> parts;
    parts.push_back({ofHead(op.getValues(), head), {0, 1}});
    if (Value step = op.getStep())
      parts.push_back({b.slice(step, {b.attr(0), b.attr(0), head},
                               {b.attr(1), tokens, b.attr(1)}, {1}),
                       {0}});
    Value values = b.each(
        parts, b.corner(b.empty({most, valueSize}, f32), tokensOf(valueSize)),
        [&](OpBuilder &in, Location loc, ValueRange args) {
          return args.size() == 3 ? mulOf(in, loc, args[0], args[1]) : args[0];
        });

    Sizes at = {b.attr(0), head, b.attr(0), b.attr(0)};
    Sizes size = {b.attr(1), b.attr(1), b.attr(keySize), b.attr(valueSize)};
    Value state = b.slice(states, at, size, {2, 3});
    output = read(output, weights, values, state);

    values = decayRows(
        values, [&](OpBuilder &in, Location loc, ValueRange args) -> Value {
          return arith::SubFOp::create(in, loc, total, args[0]);
        });
    if (op.getDecay()) {
      Value left = expOf(b, b.getLoc(), total);
      state =
          b.each({}, state, [&](OpBuilder &in, Location loc, ValueRange args) {
            return mulOf(in, loc, left, args[0]);
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
      Value own;
      if (op.getDecay()) {
        parts.push_back({b.slice(sums, {b.attr(0)}, {count}, {0}), {0}});
        own = elementOf(sums, {t});
      }
      row =
          b.each(parts, row, [&](OpBuilder &in, Location loc, ValueRange args) {
            Value weight = args[0];
            if (own) {
              Value lost = arith::SubFOp::create(in, loc, own, args[1]);
              weight = mulOf(in, loc, weight, expOf(in, loc, lost));
            }
            if (weight.getType() != factor)
              weight = arith::TruncFOp::create(in, loc, factor, weight);
            return weight;
          });
      return SmallVector<Value>{b.insert(row, now[0], at, size)};
    })[0];
  }

  /// The head's outputs.
  Value read(Value output, Value weights, Value values, Value state) {
    Value sum =
        b.zeros(b.corner(b.empty({most, valueSize}, f32), tokensOf(valueSize)));
    sum = b.product(queries, state, sum);
    sum = decayRows(
        sum, [](OpBuilder &, Location, ValueRange args) { return args[0]; });
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
  Value sums, total;           // log-decays of a head: [T], and all of them
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
    if (chunk < 1 || lanes < 1) {
      getOperation().emitError("chunk of ")
          << chunk << " tokens and vectors of " << lanes
          << ", expected at least 1 of each";
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
