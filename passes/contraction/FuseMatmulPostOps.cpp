//===- FuseMatmulPostOps.cpp - What a matmul does to its sums ---*- C++ -*-===//
//
// Part of Marimba. See passes/contraction/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/contraction/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "fuse-matmul-post-ops"

namespace mlir::marimba {
#define GEN_PASS_DEF_FUSEMATMULPOSTOPS
#include "passes/contraction/FuseMatmulPostOps.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// The matmul that makes `value` for one reader in its own block and has room
/// for a post-op; null where there is none.
PostOpsInterface fusableMatmul(Value value) {
  auto matmul = value.getDefiningOp<PostOpsInterface>();
  if (!matmul || !value.hasOneUse() ||
      matmul.getPostOps().size() >= PostOpsInterface::kMostPostOps)
    return {};
  if ((*value.user_begin())->getBlock() != matmul->getBlock())
    return {};
  return matmul;
}

/// `op` becomes the result of `matmul`, which gets one more post-op and moves
/// to where `op` was: there its operand is known. Its location has both names.
void fuse(PatternRewriter &rewriter, Operation *op, PostOpsInterface matmul,
          PostOpKind kind, Value operand = {}) {
  rewriter.moveOpBefore(matmul, op);
  rewriter.modifyOpInPlace(matmul, [&] {
    matmul.appendPostOp(kind, operand);
    matmul->setLoc(rewriter.getFusedLoc({matmul.getLoc(), op->getLoc()}));
  });
  rewriter.replaceOp(op, matmul->getResult(0));
}

/// An op of one operand, element by element.
template <typename OpTy, PostOpKind kind>
struct FuseElementwise : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    PostOpsInterface matmul = fusableMatmul(op.getInput());
    if (!matmul)
      return rewriter.notifyMatchFailure(op, "no matmul of its own");
    fuse(rewriter, op, matmul, kind);
    return success();
  }
};

struct FuseScale : OpRewritePattern<ScaleOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ScaleOp op,
                                PatternRewriter &rewriter) const override {
    PostOpsInterface matmul = fusableMatmul(op.getInput());
    if (!matmul || !matmul.canScale())
      return rewriter.notifyMatchFailure(op,
                                         "no matmul of its own that scales");
    rewriter.modifyOpInPlace(matmul, [&] {
      matmul.appendScale(op.getFactorAttr());
      matmul->setLoc(rewriter.getFusedLoc({matmul.getLoc(), op->getLoc()}));
    });
    rewriter.replaceOp(op, matmul->getResult(0));
    return success();
  }
};

/// silu(gate) * up: SiLU is a post-op of one projection, the product of the
/// other.
struct FuseSwiGLU : OpRewritePattern<SwiGLUOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SwiGLUOp op,
                                PatternRewriter &rewriter) const override {
    PostOpsInterface gate = fusableMatmul(op.getGate());
    PostOpsInterface up = fusableMatmul(op.getUp());
    if (!gate || !up)
      return rewriter.notifyMatchFailure(op, "not two matmuls of its own");
    rewriter.modifyOpInPlace(gate,
                             [&] { gate.appendPostOp(PostOpKind::Silu); });
    fuse(rewriter, op, up, PostOpKind::Mul, gate->getResult(0));
    return success();
  }
};

/// x + matmul: into x itself where nobody reads it later.
struct FuseResidual : OpRewritePattern<arith::AddFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::AddFOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [x, y] : {std::pair(op.getLhs(), op.getRhs()),
                        std::pair(op.getRhs(), op.getLhs())}) {
      PostOpsInterface matmul = fusableMatmul(y);
      if (!matmul || x == y || matmul.readsDestination())
        continue;
      if (!isLastRead(x, op)) {
        fuse(rewriter, op, matmul, PostOpKind::Add, x);
        return success();
      }
      rewriter.modifyOpInPlace(matmul,
                               [&] { matmul.getDpsInitsMutable().assign(x); });
      fuse(rewriter, op, matmul, PostOpKind::Sum);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no matmul of its own");
  }

  /// Whether no other op reads `value` after `op`, in whose block it is made.
  static bool isLastRead(Value value, Operation *op) {
    if (value.getParentBlock() != op->getBlock())
      return false;
    return llvm::all_of(value.getUsers(), [&](Operation *user) {
      if (user == op)
        return true;
      Operation *inBlock = op->getBlock()->findAncestorOpInBlock(*user);
      return inBlock && inBlock->isBeforeInBlock(op);
    });
  }
};

struct FuseMatmulPostOpsPass
    : mlir::marimba::impl::FuseMatmulPostOpsBase<FuseMatmulPostOpsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseScale, FuseElementwise<SiluOp, PostOpKind::Silu>,
                 FuseElementwise<Relu2Op, PostOpKind::Relu2>, FuseSwiGLU,
                 FuseResidual>(&getContext());
    CountRewrites counter(
        DEBUG_TYPE, numFused,
        isAnyOf<ScaleOp, SiluOp, Relu2Op, SwiGLUOp, arith::AddFOp>);
    walkAndApplyPatterns(getOperation(), std::move(patterns), &counter);
  }
};

} // namespace
