//===- ChannelBlocks.h - Channels in lanes ----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_CHANNELBLOCKS_H
#define MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_CHANNELBLOCKS_H

#include "lowering/Common/Builders/KernelBuilder.h"

#include "mlir/IR/PatternMatch.h"

namespace mlir::marimba {

/// One vector of channels of one row.
struct ChannelBlock {
  Value row;
  Value channel; // first channel
  Value next;    // first channel of the next vector, to prefetch; in range
  Value mask;    // null where the whole vector is in range
  Value tokens;  // tokens [0, tokens) are real
  Value time;    // tokens [tokens, time) are padding
};

/// Runs `body` for each vector of channels, the last dimension of `output`
/// ([B, T, ..., D]), of each row. The loops are sequential and run over all
/// tokens: rows, groups of channels and blocks of time are the business of
/// --tile-recurrences, which hands in tiles.
void overChannels(KernelBuilder &b, int64_t lanes, Value output, Value valid,
                  llvm::function_ref<void(const ChannelBlock &)> body);

/// One pass over the tokens of a block: as many of its states, or of its taps,
/// as stay in registers together.
struct Pass {
  Value first;
  int64_t count;
  bool begins; // the first pass, which starts the output
  bool ends;   // the last one, which finishes it
};

/// Runs `body` for `count` states, `most` in a pass. The first and the last
/// pass stand apart, those between are a loop: the code does not grow with
/// `count`. Of nothing there is one pass, too: what a sum starts with, and what
/// is done with it, does not depend on its terms.
void inPasses(KernelBuilder &b, int64_t count, int64_t most,
              llvm::function_ref<void(const Pass &)> body);

/// Replaces an op on memrefs by what `Emitter(builder, op, lanes).emit()`
/// makes.
template <typename OpTy, typename Emitter>
struct EmitterPattern : OpRewritePattern<OpTy> {
  EmitterPattern(MLIRContext *ctx, int64_t lanes)
      : OpRewritePattern<OpTy>(ctx), lanes(lanes) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    KernelBuilder b(op.getLoc(), rewriter);
    Emitter(b, op, lanes).emit();
    rewriter.eraseOp(op);
    return success();
  }

  int64_t lanes;
};

// One function for each op that this conversion knows.
void populateScanToVectorPatterns(RewritePatternSet &patterns, int64_t lanes);
void populateConvToVectorPatterns(RewritePatternSet &patterns, int64_t lanes);
void populateLTIToVectorPatterns(RewritePatternSet &patterns, int64_t lanes);
void populateAttentionToVectorPatterns(RewritePatternSet &patterns,
                                       int64_t lanes, int64_t threads);
void populatePackedMatmulToVectorPatterns(RewritePatternSet &patterns,
                                          int64_t lanes);
void populateRotaryToVectorPatterns(RewritePatternSet &patterns, int64_t lanes);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_CHANNELBLOCKS_H
