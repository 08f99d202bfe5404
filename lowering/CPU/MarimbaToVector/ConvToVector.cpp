//===- ConvToVector.cpp - causal_conv1d in lanes ----------------*- C++ -*-===//
//
// Part of Marimba. Channels are in the lanes; the last W-1 inputs slide through
// registers, so each input is read once. A wide window takes several passes
// over the tokens, each with some of the taps.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/CPU/Builders/EmitterPattern.h"
#include "lowering/CPU/MarimbaToVector/StateBuilder.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Taps of one pass; beside them, a pass keeps one input less.
constexpr int64_t kTaps = 16;

class ConvEmitter {
public:
  ConvEmitter(KernelBuilder &b, CausalConv1dOp op, int64_t lanes)
      : b(b), op(op), lanes(lanes), input(op.getInput()), state(op.getState()),
        width(cast<MemRefType>(op.getWeight().getType()).getDimSize(0)) {}

  void emit() {
    overChannels(b, lanes, op.getOutput(), op.getValid(),
                 [&](const ChannelBlock &block) {
                   inSweeps(b, width, kTaps,
                            [&](const Sweep &part) { pass(block, part); });
                   if (width > kTaps)
                     moveState(block);
                   if (op.getValid())
                     zeroPadding(b, lanes, block, op.getOutput());
                 });
  }

private:
  Value load(Value memref, const ChannelBlock &block, Value column) {
    return b.loadVector(lanes, memref, {block.row, column, block.channel},
                        block.mask);
  }
  void store(Value value, Value memref, const ChannelBlock &block,
             Value column) {
    b.storeVector(value, memref, {block.row, column, block.channel},
                  block.mask);
  }
  /// Column `at` of the state followed by the input.
  Value loadAny(const ChannelBlock &block, Value at) {
    Value columns = b.index(width - 1);
    return b.ifElse(
        b.cmpi(/*lessThan=*/true, at, columns),
        [&] { return load(state, block, at); },
        [&] { return load(input, block, b.subi(at, columns)); });
  }

  /// Some taps over the block's tokens; later passes add to y, the last one
  /// finishes it. The window of the first token begins in the state; what a
  /// token adds to it is in the input, unless taps follow.
  void pass(const ChannelBlock &block, const Sweep &part) {
    auto row = [&](int64_t i) { return b.addi(part.first, b.index(i)); };
    SmallVector<Value> taps, window;
    for (int64_t k = 0; k < part.count; ++k)
      taps.push_back(b.loadVector(lanes, op.getWeight(),
                                  {row(k), block.channel}, block.mask));
    for (int64_t j = 0; j < part.count - 1; ++j)
      window.push_back(load(state, block, row(j)));
    Value bias;
    if (part.begins)
      bias = op.getBias()
                 ? b.loadVector(lanes, op.getBias(), block.channel, block.mask)
                 : b.zeros(lanes);
    SmallVector<Value> last = b.loop(
        b.index(0), block.tokens, window, [&](Value t, ValueRange inputs) {
          if (part.begins)
            b.prefetch(input, {block.row, t, block.next}, /*locality=*/3);
          SmallVector<Value> next(inputs);
          next.push_back(part.ends
                             ? load(input, block, t)
                             : loadAny(block, b.addi(t, row(part.count - 1))));
          Value y = part.begins ? bias : load(op.getOutput(), block, t);
          for (auto [tap, value] : llvm::zip(taps, next))
            y = b.fma(tap, value, y);
          if (part.ends && op.getSilu())
            y = b.silu(y);
          store(y, op.getOutput(), block, t);
          next.erase(next.begin());
          return next;
        });
    if (part.begins && part.ends)
      for (auto [j, value] : llvm::enumerate(last))
        store(value, state, block, row(j));
  }

  /// The last W-1 inputs go into the state, after all passes have read it:
  /// columns after the one that is written are all that is still needed.
  void moveState(const ChannelBlock &block) {
    b.loop(b.index(0), b.index(width - 1), [&](Value j) {
      store(loadAny(block, b.addi(block.tokens, j)), state, block, j);
    });
  }

  KernelBuilder &b;
  CausalConv1dOp op;
  int64_t lanes;
  Value input, state;
  int64_t width;
};

struct ConvToVector : EmitterPattern<CausalConv1dOp, ConvEmitter> {
  using EmitterPattern::EmitterPattern;

  LogicalResult matchAndRewrite(CausalConv1dOp op,
                                PatternRewriter &rewriter) const override {
    auto weight = cast<ShapedType>(op.getWeight().getType());
    if (weight.isDynamicDim(0))
      return rewriter.notifyMatchFailure(op, "width is not known");
    return EmitterPattern::matchAndRewrite(op, rewriter);
  }
};

} // namespace

void mlir::marimba::populateConvToVectorPatterns(RewritePatternSet &patterns,
                                                 int64_t lanes) {
  patterns.add<ConvToVector>(patterns.getContext(), lanes);
}
