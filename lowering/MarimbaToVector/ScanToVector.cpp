//===- ScanToVector.cpp - selective_scan and scan in lanes ------*- C++ -*-===//
//
// Part of Marimba. Channels are in the lanes, the states of a channel in
// registers over a block of tokens.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/MarimbaToVector/StateBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// States that stay in registers together, beside the accumulator, decays and
/// temporaries: 16 of the 32 registers that vectors of 512 bits have, 8 of the
/// 16 of shorter ones.
int64_t statesPerPass(int64_t lanes) { return lanes >= 16 ? 16 : 8; }

/// Powers that are computed step by step together: one alone waits for its own
/// results, four no longer fit in the registers beside the states.
constexpr size_t kInterleaved = 2;

/// What the loops of selective_scan and scan_summary share.
template <typename OpTy> class SelectiveEmitter {
public:
  SelectiveEmitter(KernelBuilder &b, OpTy op, int64_t lanes)
      : b(b), op(op), lanes(lanes) {}

protected:
  Value channel(Value memref, const ChannelBlock &block) {
    return b.loadVector(lanes, memref, block.channel, block.mask);
  }
  Value token(Value memref, const ChannelBlock &block, Value t) {
    return b.loadVector(lanes, memref, {block.row, t, block.channel},
                        block.mask);
  }

  /// States [first, last) before the first token.
  SmallVector<Value> loadStates(const ChannelBlock &block, int64_t first,
                                int64_t last) {
    SmallVector<Value> states;
    for (int64_t n = first; n < last; ++n)
      states.push_back(b.loadVector(lanes, op.getState(),
                                    {block.row, b.index(n), block.channel},
                                    block.mask));
    return states;
  }
  void storeStates(const ChannelBlock &block, int64_t first,
                   ValueRange states) {
    for (auto [i, state] : llvm::enumerate(states))
      b.storeVector(state, op.getState(),
                    {block.row, b.index(first + i), block.channel}, block.mask);
  }

  /// A log2 e of states [first, last): exp(delta A) = 2^(delta A log2 e), one
  /// product less in the loop.
  SmallVector<Value> loadRates(const ChannelBlock &block, int64_t first,
                               int64_t last) {
    SmallVector<Value> rates;
    for (int64_t n = first; n < last; ++n) {
      Value a = b.loadVector(lanes, op.getA(), {b.index(n), block.channel},
                             block.mask);
      rates.push_back(b.mul(a, b.constant(kLog2E)));
    }
    return rates;
  }

  /// 2^(delta * rate) for each rate. A power is a long chain of dependent
  /// operations: in a vector of several rows, each step of the chain is emitted
  /// for all of them before the next one, which keeps the units busy.
  SmallVector<Value> powers(Value delta, ArrayRef<Value> rates) {
    auto type = VectorType::get({int64_t(rates.size()), lanes}, b.getF32Type());
    Value rows = arith::ConstantOp::create(b, b.getZeroAttr(type));
    for (auto [row, rate] : llvm::enumerate(rates))
      rows = vector::InsertOp::create(b, b.mul(delta, rate), rows, row);
    rows = b.exp2(rows);
    SmallVector<Value> result;
    for (size_t row = 0; row < rates.size(); ++row)
      result.push_back(vector::ExtractOp::create(b, rows, row));
    return result;
  }

  /// decay * h + du B for states [first, ...): powers are used as soon as they
  /// are there, or all of them would take registers at once. `read(next, n)` is
  /// called for each new state.
  SmallVector<Value> step(Value delta, Value du, Value inputs,
                          ArrayRef<Value> rates, ValueRange h, int64_t first,
                          llvm::function_ref<void(Value, int64_t)> read) {
    SmallVector<Value> next;
    for (size_t i = 0; i < rates.size(); i += kInterleaved) {
      size_t count = std::min(kInterleaved, rates.size() - i);
      SmallVector<Value> decays = powers(delta, rates.slice(i, count));
      for (auto [k, decay] : llvm::enumerate(decays)) {
        int64_t n = first + i + k;
        Value in = b.load(inputs, b.index(n));
        next.push_back(b.fma(decay, h[i + k], b.mul(du, in)));
        read(next.back(), n);
      }
    }
    return next;
  }

  /// [N] of a token: with its own base the elements have constant offsets.
  Value tokenRow(Value memref, const ChannelBlock &block, Value t) {
    auto type = cast<MemRefType>(memref.getType());
    SmallVector<OpFoldResult> offsets = {block.row, t, b.getIndexAttr(0)};
    SmallVector<OpFoldResult> sizes(3, b.getIndexAttr(1));
    sizes[2] = b.getIndexAttr(type.getDimSize(2));
    SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
    auto rowType = memref::SubViewOp::inferRankReducedResultType(
        {type.getDimSize(2)}, type, offsets, sizes, strides);
    return memref::SubViewOp::create(b, rowType, memref, offsets, sizes,
                                     strides);
  }

  /// The walk down a column of rows is no pattern that processors prefetch.
  void prefetchNext(const ChannelBlock &block, Value t) {
    if (cast<MemRefType>(op.getU().getType()).getDimSize(1) != 1)
      b.prefetch(op.getU(), {block.row, t, block.next}, /*locality=*/3);
  }

  KernelBuilder &b;
  OpTy op;
  int64_t lanes;
};

/// Emits the loops of one selective_scan.
class ScanEmitter : SelectiveEmitter<SelectiveScanOp> {
public:
  using SelectiveEmitter::SelectiveEmitter;

  void emit() {
    overChannels(b, lanes, op.getOutput(), op.getValid(),
                 [&](const ChannelBlock &block) {
                   int64_t states = op.getDState();
                   int64_t step = statesPerPass(lanes);
                   for (int64_t n = 0; n < states; n += step)
                     pass(block, n, std::min(n + step, states));
                   if (op.getValid())
                     zeroPadding(b, lanes, block, op.getOutput());
                 });
  }

private:
  /// States [first, last) over the block's tokens; later passes add to y, the
  /// last one finishes it.
  void pass(const ChannelBlock &block, int64_t first, int64_t last) {
    SmallVector<Value> start = loadStates(block, first, last);
    SmallVector<Value> rates = loadRates(block, first, last);
    Value bias =
        op.getDeltaBias() ? channel(op.getDeltaBias(), block) : Value();
    Value skip = op.getD() ? channel(op.getD(), block) : Value();
    bool final = last == op.getDState();
    SmallVector<Value> end =
        b.loop(b.index(0), block.tokens, start, [&](Value t, ValueRange h) {
          if (first == 0)
            prefetch(block, t);
          Value delta = token(op.getDelta(), block, t);
          if (bias)
            delta = b.add(delta, bias);
          if (op.getDeltaSoftplus())
            delta = b.softplus(delta);
          Value u = token(op.getU(), block, t);
          Value du = b.mul(delta, u);
          Value y = first == 0 ? (skip ? b.mul(skip, u) : b.zeros(lanes))
                               : token(op.getOutput(), block, t);
          Value outputs = tokenRow(op.getC(), block, t);
          SmallVector<Value> next =
              step(delta, du, tokenRow(op.getB(), block, t), rates, h, first,
                   [&](Value state, int64_t n) {
                     y = b.fma(state, b.load(outputs, b.index(n)), y);
                   });
          if (final && op.getZ())
            y = b.mul(y, b.silu(token(op.getZ(), block, t)));
          b.storeVector(y, op.getOutput(), {block.row, t, block.channel},
                        block.mask);
          return next;
        });
    storeStates(block, first, end);
  }

  /// What the next block reads is memory's business while this one computes.
  void prefetch(const ChannelBlock &block, Value t) {
    prefetchNext(block, t);
    if (cast<MemRefType>(op.getU().getType()).getDimSize(1) != 1)
      for (Value ahead : op.getAhead())
        b.prefetch(ahead, {block.row, t, block.channel}, /*locality=*/2);
  }
};

/// Emits the loops of one scan_summary.
class SummaryEmitter : SelectiveEmitter<ScanSummaryOp> {
public:
  using SelectiveEmitter::SelectiveEmitter;

  void emit() {
    overChannels(b, lanes, op.getU(), op.getValid(),
                 [&](const ChannelBlock &block) {
                   int64_t states = rowsOf(op.getState());
                   int64_t step = statesPerPass(lanes);
                   for (int64_t n = 0; n < states; n += step)
                     pass(block, n, std::min(n + step, states));
                 });
  }

private:
  /// States [first, last) over the block's tokens; the first pass also counts
  /// the time that went by.
  void pass(const ChannelBlock &block, int64_t first, int64_t last) {
    SmallVector<Value> carried = loadStates(block, first, last);
    SmallVector<Value> rates = loadRates(block, first, last);
    SmallVector<Value> at = {block.row, block.channel};
    if (first == 0)
      carried.push_back(b.loadVector(lanes, op.getElapsed(), at, block.mask));
    SmallVector<Value> end =
        b.loop(b.index(0), block.tokens, carried, [&](Value t, ValueRange h) {
          if (first == 0)
            prefetchNext(block, t);
          Value delta = token(op.getDelta(), block, t);
          Value du = b.mul(delta, token(op.getU(), block, t));
          SmallVector<Value> next =
              step(delta, du, tokenRow(op.getB(), block, t), rates, h, first,
                   [](Value, int64_t) {});
          if (first == 0)
            next.push_back(b.add(h.back(), delta));
          return next;
        });
    if (first == 0)
      b.storeVector(end.pop_back_val(), op.getElapsed(), at, block.mask);
    storeStates(block, first, end);
  }
};

/// One state after the other over all tokens: decay and input of every token
/// come from memory, which is the limit.
void emitScan(KernelBuilder &b, ScanOp op, int64_t lanes) {
  overChannels(
      b, lanes, op.getStates(), op.getValid(), [&](const ChannelBlock &block) {
        StateBuilder s(b, lanes, block, rowsOf(op.getState()), op.getComplex());
        b.loop(b.index(0), b.index(s.states), [&](Value n) {
          Parts first = s.load(op.getState(), block.row, n);
          SmallVector<Value> last =
              b.loop(b.index(0), block.tokens, first.values(),
                     [&](Value t, ValueRange h) {
                       Parts next =
                           s.step(s.load(op.getDecay(), {block.row, t}, n),
                                  Parts::of(h),
                                  s.load(op.getInput(), {block.row, t}, n));
                       s.store(next, op.getStates(), {block.row, t}, n);
                       return next.values();
                     });
          s.store(Parts::of(last), op.getState(), block.row, n);
          if (op.getValid())
            b.loop(block.tokens, block.time, [&](Value t) {
              s.store(s.zero(), op.getStates(), {block.row, t}, n);
            });
        });
      });
}

struct ScanToVector : OpRewritePattern<ScanOp> {
  ScanToVector(MLIRContext *ctx, int64_t lanes)
      : OpRewritePattern(ctx), lanes(lanes) {}

  LogicalResult matchAndRewrite(ScanOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    if (ShapedType::isDynamic(rowsOf(op.getState())))
      return rewriter.notifyMatchFailure(op, "number of states is not known");
    KernelBuilder b(op.getLoc(), rewriter);
    emitScan(b, op, lanes);
    rewriter.eraseOp(op);
    return success();
  }

  int64_t lanes;
};

} // namespace

void mlir::marimba::populateScanToVectorPatterns(RewritePatternSet &patterns,
                                                 int64_t lanes) {
  patterns.add<EmitterPattern<SelectiveScanOp, ScanEmitter>,
               EmitterPattern<ScanSummaryOp, SummaryEmitter>, ScanToVector>(
      patterns.getContext(), lanes);
}
