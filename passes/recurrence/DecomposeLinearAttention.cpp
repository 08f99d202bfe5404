//===- DecomposeLinearAttention.cpp - A chunk as matrix products ----------===//
//
// Part of Marimba. See passes/recurrence/Passes.td. Which chunks become
// products; how is in HeadDecayChunk.cpp and ChannelDecayChunk.cpp.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/recurrence/LinearAttentionChunk.h"
#include "passes/recurrence/Passes.h"
#include "passes/recurrence/TileSizes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
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

/// A product of a chunk's tokens by its tokens fits on a thread's stack.
constexpr int64_t kMostChunk = 256;
static_assert(kMostChunk * kMostChunk <= kMostElements);

/// Vector instructions for each token of a head, the most of them products. A
/// product of bf16 has two terms; what is summed over half a chunk is exp, too.
/// Constants are as measured with 128 keys and 128 values.
struct CostModel {
  double keySize, vectors; // of values
  double chunk, headsOfGroup;
  bool delta, channels, bf16;
  int64_t lanes;

  double recurrent() const { return (3 + delta * 0.35) * keySize * vectors; }
  double chunked() const {
    double tokens = channels ? std::min(chunk, 16.0) : chunk;
    double products = ((2 + delta) * keySize + tokens / 2) * vectors;
    double weights = 20 * std::ceil(tokens / 2 / lanes);
    if (channels) // decays, and W of all tokens at once
      weights = (20 + (4 + delta) * 16) * keySize / lanes;
    else
      products += (1 + delta) * keySize * tokens / lanes / headsOfGroup;
    double solve = delta ? tokens / 2 * vectors : 0;
    // The state is decayed and added to, and packed for products of bf16.
    double perChunk = 8 + (bf16 ? 3 * (1 + delta) : 0);
    double passes = 10 * vectors + keySize * vectors * perChunk / tokens;
    return products / (bf16 ? 2 : 1) + weights + solve + passes;
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
    if (llvm::is_contained(type.getShape(), 0) || op.getKeySize() == 0)
      return rewriter.notifyMatchFailure(op, "nothing to multiply");
    FailureOr<int64_t> most = ValueBoundsConstraintSet::computeConstantBound(
        presburger::BoundType::UB, {op.getValues(), /*dim=*/1},
        /*stopCondition=*/nullptr, /*closedUB=*/true);
    if (failed(most) || *most > chunk)
      return rewriter.notifyMatchFailure(op, "more tokens than a chunk");
    if (*most * std::max(op.getKeySize(), op.getValueSize()) > kMostElements)
      return rewriter.notifyMatchFailure(op, "too large for a thread's stack");
    double vectors = llvm::divideCeil(op.getValueSize(), lanes);
    CostModel cost = {double(op.getKeySize()),
                      vectors,
                      double(*most),
                      double(op.getChannelGroup()),
                      op.getDeltaRule(),
                      op.hasChannelDecay(),
                      bf16,
                      lanes};
    if (!always && cost.chunked() >= cost.recurrent())
      return rewriter.notifyMatchFailure(op, "the recurrence is cheaper");
    LDBG() << op.getLoc() << ": products of up to " << *most << " tokens";
    auto emit =
        op.hasChannelDecay() ? emitChannelDecayChunk : emitHeadDecayChunk;
    rewriter.replaceOp(op, emit(rewriter, op, *most, {bf16, lanes}));
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
    if (chunk < 1 || chunk > kMostChunk || lanes < 1) {
      getOperation().emitError("chunk of ")
          << chunk.getValue() << " tokens and vectors of " << lanes.getValue()
          << ", expected 1 to " << kMostChunk << " and at least 1";
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
