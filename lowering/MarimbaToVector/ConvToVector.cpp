//===- ConvToVector.cpp - causal_conv1d in lanes ----------------*- C++ -*-===//
//
// Part of Marimba. Channels are in the lanes; the last W-1 inputs slide through
// registers, so each input is read once.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/MarimbaToVector/ChannelBlocks.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct ConvToVector : OpRewritePattern<CausalConv1dOp> {
  ConvToVector(MLIRContext *ctx, int64_t lanes)
      : OpRewritePattern(ctx), lanes(lanes) {}

  LogicalResult matchAndRewrite(CausalConv1dOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    int64_t width = cast<MemRefType>(op.getWeight().getType()).getDimSize(0);
    if (ShapedType::isDynamic(width))
      return rewriter.notifyMatchFailure(op, "width is not known");
    KernelBuilder b(op.getLoc(), rewriter);
    overChannels(
        b, lanes, op.getOutput(), op.getValid(),
        [&](const ChannelBlock &block) { emitBlock(b, op, block, width); });
    rewriter.eraseOp(op);
    return success();
  }

  void emitBlock(KernelBuilder &b, CausalConv1dOp op, const ChannelBlock &block,
                 int64_t width) const {
    auto column = [&](int64_t j) {
      return SmallVector<Value>{block.row, b.index(j), block.channel};
    };
    SmallVector<Value> taps, window;
    for (int64_t k = 0; k < width; ++k)
      taps.push_back(b.loadVector(lanes, op.getWeight(),
                                  {b.index(k), block.channel}, block.mask));
    for (int64_t j = 0; j < width - 1; ++j)
      window.push_back(
          b.loadVector(lanes, op.getState(), column(j), block.mask));
    Value bias = op.getBias() ? b.loadVector(lanes, op.getBias(), block.channel,
                                             block.mask)
                              : b.zeros(lanes);
    SmallVector<Value> last = b.loop(
        b.index(0), block.tokens, window, [&](Value t, ValueRange inputs) {
          b.prefetch(op.getInput(), {block.row, t, block.next}, /*locality=*/3);
          SmallVector<Value> next(inputs);
          next.push_back(b.loadVector(
              lanes, op.getInput(), {block.row, t, block.channel}, block.mask));
          Value y = bias;
          for (auto [tap, input] : llvm::zip(taps, next))
            y = b.fma(tap, input, y);
          if (op.getSilu())
            y = b.silu(y);
          b.storeVector(y, op.getOutput(), {block.row, t, block.channel},
                        block.mask);
          next.erase(next.begin());
          return next;
        });
    for (auto [j, input] : llvm::enumerate(last))
      b.storeVector(input, op.getState(), column(j), block.mask);
    if (op.getValid())
      b.loop(block.tokens, block.time, [&](Value t) {
        b.storeVector(b.zeros(lanes), op.getOutput(),
                      {block.row, t, block.channel}, block.mask);
      });
  }

  int64_t lanes;
};

} // namespace

void mlir::marimba::populateConvToVectorPatterns(RewritePatternSet &patterns,
                                                 int64_t lanes) {
  patterns.add<ConvToVector>(patterns.getContext(), lanes);
}
