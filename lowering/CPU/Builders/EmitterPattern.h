//===- EmitterPattern.h - A pattern around a kernel's emitter ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_BUILDERS_EMITTERPATTERN_H
#define MARIMBA_LOWERING_CPU_BUILDERS_EMITTERPATTERN_H

#include "lowering/Common/Builders/KernelBuilder.h"

#include "mlir/IR/PatternMatch.h"

namespace mlir::marimba {

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

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_BUILDERS_EMITTERPATTERN_H
