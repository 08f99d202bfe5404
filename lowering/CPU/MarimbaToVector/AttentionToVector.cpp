//===- AttentionToVector.cpp - Which loops an attention becomes -*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/MarimbaToVector/AttentionLoops.h"
#include "lowering/CPU/MarimbaToVector/ChannelBlocks.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct AttentionToVector : OpRewritePattern<AttentionOp> {
  AttentionToVector(MLIRContext *ctx, int64_t lanes, int64_t threads)
      : OpRewritePattern(ctx), lanes(lanes), threads(threads) {}

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    KernelBuilder b(op.getLoc(), rewriter);
    if (cast<MemRefType>(op.getQuery().getType()).getDimSize(1) == 1)
      emitAttentionDecode(b, op, lanes);
    else
      emitAttentionTiles(b, op, lanes, threads);
    rewriter.eraseOp(op);
    return success();
  }

  int64_t lanes, threads;
};

} // namespace

void mlir::marimba::populateAttentionToVectorPatterns(
    RewritePatternSet &patterns, int64_t lanes, int64_t threads) {
  patterns.add<AttentionToVector>(patterns.getContext(), lanes, threads);
}
