//===- MarimbaToLoops.h - Pieces that lowerings share -----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_MARIMBATOLOOPS_MARIMBATOLOOPS_H
#define MARIMBA_LOWERING_COMMON_MARIMBATOLOOPS_MARIMBATOLOOPS_H

#include "lowering/Common/Builders/KernelBuilder.h"

#include "mlir/IR/PatternMatch.h"

namespace mlir::marimba {

/// Replaces an op on memrefs by the loops that `build` makes.
template <typename OpTy> struct BufferPattern : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    KernelBuilder b(op.getLoc(), rewriter);
    build(b, op);
    rewriter.eraseOp(op);
    return success();
  }

  virtual void build(KernelBuilder &b, OpTy op) const = 0;
};

void populateAttentionToLoopsPatterns(RewritePatternSet &patterns);

/// group_by_expert, grouped_matmul, gather_rows, scatter_add_rows.
void populateGroupsToLoopsPatterns(RewritePatternSet &patterns);

void populateLinearAttentionToLoopsPatterns(RewritePatternSet &patterns);

/// lti_scan and long_convolution.
void populateLTIToLoopsPatterns(RewritePatternSet &patterns);

/// Shifts the convolution state [B,W-1,D] of one row by `tokens` inputs
/// [B,T,D], for the channels [begin, end).
void updateConvState(KernelBuilder &b, Value input, Value state, Value row,
                     Value tokens, Value begin, Value end);

/// quantize_rows, channel_terms, quantized_matmul, dequantize,
/// quantized_embedding.
void populateQuantizedToLoopsPatterns(RewritePatternSet &patterns);

void populateRotaryToLoopsPatterns(RewritePatternSet &patterns);

void populateRouteToLoopsPatterns(RewritePatternSet &patterns);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_MARIMBATOLOOPS_MARIMBATOLOOPS_H
