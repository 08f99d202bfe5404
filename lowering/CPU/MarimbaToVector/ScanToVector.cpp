//===- ScanToVector.cpp - selective_scan and scan in lanes ------*- C++ -*-===//
//
// Part of Marimba. Channels are in the lanes, the states of a channel in
// registers over a block of tokens.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/CPU/Builders/EmitterPattern.h"
#include "lowering/CPU/MarimbaToVector/StateBuilder.h"

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
int64_t statesPerSweep(int64_t lanes) { return lanes >= 16 ? 16 : 8; }

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

  /// State i of a pass, in rows of [N, ...].
  Value rowOf(const Sweep &pass, int64_t i) {
    return b.addi(pass.first, b.index(i));
  }

  /// The states of a pass before the first token.
  SmallVector<Value> loadStates(const ChannelBlock &block, const Sweep &pass) {
    SmallVector<Value> states;
    for (int64_t i = 0; i < pass.count; ++i)
      states.push_back(b.loadVector(lanes, op.getState(),
                                    {block.row, rowOf(pass, i), block.channel},
                                    block.mask));
    return states;
  }
  void storeStates(const ChannelBlock &block, const Sweep &pass,
                   ValueRange states) {
    for (auto [i, state] : llvm::enumerate(states))
      b.storeVector(state, op.getState(),
                    {block.row, rowOf(pass, i), block.channel}, block.mask);
  }

  /// A log2 e of the pass's states: exp(delta A) = 2^(delta A log2 e), one
  /// product less in the loop.
  SmallVector<Value> loadRates(const ChannelBlock &block, const Sweep &pass) {
    SmallVector<Value> rates;
    for (int64_t i = 0; i < pass.count; ++i) {
      Value a = b.loadVector(lanes, op.getA(), {rowOf(pass, i), block.channel},
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

  /// decay * h + du B for the states of a pass, `inputs` being their B: powers
  /// are used as soon as they are there, or all of them would take registers at
  /// once. `read(next, i)` is called for each new state.
  SmallVector<Value> step(Value delta, Value du, Value inputs,
                          ArrayRef<Value> rates, ValueRange h,
                          llvm::function_ref<void(Value, int64_t)> read) {
    SmallVector<Value> next;
    for (size_t i = 0; i < rates.size(); i += kInterleaved) {
      size_t count = std::min(kInterleaved, rates.size() - i);
      SmallVector<Value> decays = powers(delta, rates.slice(i, count));
      for (auto [k, decay] : llvm::enumerate(decays)) {
        Value in = b.load(inputs, b.index(i + k));
        next.push_back(b.fma(decay, h[i + k], b.mul(du, in)));
        read(next.back(), i + k);
      }
    }
    return next;
  }

  /// A pass's part of [N] of a token: with its own base the elements have
  /// constant offsets.
  Value tokenRow(Value memref, const ChannelBlock &block, Value t,
                 const Sweep &pass) {
    if (!pass.count)
      return {}; // nothing will be read, and no slice begins there
    auto type = cast<MemRefType>(memref.getType());
    SmallVector<OpFoldResult> offsets = {block.row, t,
                                         getAsOpFoldResult(pass.first)};
    SmallVector<OpFoldResult> sizes(3, b.getIndexAttr(1));
    sizes[2] = b.getIndexAttr(pass.count);
    SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
    auto rowType = memref::SubViewOp::inferRankReducedResultType(
        {pass.count}, type, offsets, sizes, strides);
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
                   inSweeps(b, op.getDState(), statesPerSweep(lanes),
                            [&](const Sweep &part) { pass(block, part); });
                   if (op.getValid())
                     zeroPadding(b, lanes, block, op.getOutput());
                 });
  }

private:
  /// Some states over the block's tokens; later passes add to y, the last one
  /// finishes it.
  void pass(const ChannelBlock &block, const Sweep &part) {
    SmallVector<Value> start = loadStates(block, part);
    SmallVector<Value> rates = loadRates(block, part);
    Value bias =
        op.getDeltaBias() ? channel(op.getDeltaBias(), block) : Value();
    Value skip = op.getD() ? channel(op.getD(), block) : Value();
    SmallVector<Value> end =
        b.loop(b.index(0), block.tokens, start, [&](Value t, ValueRange h) {
          if (part.begins)
            prefetch(block, t);
          Value delta = token(op.getDelta(), block, t);
          if (bias)
            delta = b.add(delta, bias);
          if (op.getDeltaSoftplus())
            delta = b.softplus(delta);
          Value u = token(op.getU(), block, t);
          Value du = b.mul(delta, u);
          Value y = part.begins ? (skip ? b.mul(skip, u) : b.zeros(lanes))
                                : token(op.getOutput(), block, t);
          Value outputs = tokenRow(op.getC(), block, t, part);
          SmallVector<Value> next =
              step(delta, du, tokenRow(op.getB(), block, t, part), rates, h,
                   [&](Value state, int64_t i) {
                     y = b.fma(state, b.load(outputs, b.index(i)), y);
                   });
          if (part.ends && op.getZ())
            y = b.mul(y, b.silu(token(op.getZ(), block, t)));
          b.storeVector(y, op.getOutput(), {block.row, t, block.channel},
                        block.mask);
          return next;
        });
    storeStates(block, part, end);
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
                   inSweeps(b, rowsOf(op.getState()), statesPerSweep(lanes),
                            [&](const Sweep &part) { pass(block, part); });
                 });
  }

private:
  /// Some states over the block's tokens; the first pass also counts the time
  /// that went by.
  void pass(const ChannelBlock &block, const Sweep &part) {
    SmallVector<Value> carried = loadStates(block, part);
    SmallVector<Value> rates = loadRates(block, part);
    SmallVector<Value> at = {block.row, block.channel};
    if (part.begins)
      carried.push_back(b.loadVector(lanes, op.getElapsed(), at, block.mask));
    SmallVector<Value> end =
        b.loop(b.index(0), block.tokens, carried, [&](Value t, ValueRange h) {
          if (part.begins)
            prefetchNext(block, t);
          Value delta = token(op.getDelta(), block, t);
          Value du = b.mul(delta, token(op.getU(), block, t));
          SmallVector<Value> next =
              step(delta, du, tokenRow(op.getB(), block, t, part), rates, h,
                   [](Value, int64_t) {});
          if (part.begins)
            next.push_back(b.add(h.back(), delta));
          return next;
        });
    if (part.begins)
      b.storeVector(end.pop_back_val(), op.getElapsed(), at, block.mask);
    storeStates(block, part, end);
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
