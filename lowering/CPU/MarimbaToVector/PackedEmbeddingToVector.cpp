//===- PackedEmbeddingToVector.cpp - Rows of a packed table -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/CPU/Builders/BlockKernel.h"
#include "lowering/CPU/Contraction/Producers.h"
#include "lowering/CPU/MarimbaToVector/ChannelBlocks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Tokens in parallel; of each its channel of a block, word by word: 256 bytes
/// apart, which prefetchers see.
struct PackedEmbeddingToVector : OpRewritePattern<PackedEmbeddingOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PackedEmbeddingOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    if (!rt::ContextOp::isAvailableAt(op))
      return rewriter.notifyMatchFailure(op, "no context at hand");
    KernelBuilder b(op.getLoc(), rewriter);
    int64_t inputs = cast<MemRefType>(op.getWeight().getType()).getDimSize(1);
    Value words = packedCopy(b, op.getWeight(), op.getPacked());
    // There is no block where the context has an error.
    b.ifThen(b.cmpi(/*lessThan=*/true, b.index(0), b.dim(words, 0)),
             [&] { emit(b, op, words, inputs); });
    rewriter.eraseOp(op);
    return success();
  }

private:
  static void emit(KernelBuilder &b, PackedEmbeddingOp op, Value words,
                   int64_t inputs) {
    Value output = op.getInits()[0];
    int64_t perWord = op.getPacked().isF32() ? 1 : 2;
    b.parallel({b.dim(output, 0), b.dim(output, 1)}, [&](ValueRange token) {
      Value id = b.loadIndex(op.getIds(), token);
      Value channels = b.index(BlockKernel::kChannels);
      Value block = arith::DivUIOp::create(b, id, channels);
      Value lane = arith::RemUIOp::create(b, id, channels);
      auto word = [&](Value w, int64_t count) {
        if (perWord == 1)
          return b.store(b.load(words, {block, w, lane}), output,
                         elementOf(token, w));
        Value bits =
            vector::LoadOp::create(b, VectorType::get({1}, b.getI32Type()),
                                   words, ValueRange{block, w, lane});
        Value k = b.muli(w, b.index(perWord));
        for (int64_t j = 0; j < count; ++j)
          b.storeVector(widenHalf(b, bits, j == 1), output,
                        elementOf(token, b.addi(k, b.index(j))), Value());
      };
      b.loop(b.index(0), b.index(inputs / perWord),
             [&](Value w) { word(w, perWord); });
      if (inputs % perWord)
        word(b.index(inputs / perWord), 1);
    });
  }
};

} // namespace

void mlir::marimba::populatePackedEmbeddingToVectorPatterns(
    RewritePatternSet &patterns) {
  patterns.add<PackedEmbeddingToVector>(patterns.getContext());
}
