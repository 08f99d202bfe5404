//===- FuseScanActivations.cpp - softplus, gate into the scan ---*- C++ -*-===//
//
// Part of Marimba. See passes/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::marimba {
#define GEN_PASS_DEF_FUSESCANACTIVATIONS
#include "passes/Passes.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct FuseSoftplus : OpRewritePattern<SelectiveScanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SelectiveScanOp scan,
                                PatternRewriter &rewriter) const override {
    // softplus(softplus(x)), or a bias between the two, is another function.
    if (scan.getDeltaSoftplus() || scan.getDeltaBias())
      return rewriter.notifyMatchFailure(scan, "delta is transformed already");
    auto softplus = scan.getDelta().getDefiningOp<SoftplusOp>();
    if (!softplus)
      return rewriter.notifyMatchFailure(scan, "delta is no softplus");
    rewriter.modifyOpInPlace(scan, [&] {
      scan.getDeltaMutable().assign(softplus.getInput());
      scan.setDeltaSoftplus(true);
    });
    return success();
  }
};

struct FuseGate : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::MulFOp mul,
                                PatternRewriter &rewriter) const override {
    for (auto [y, gate] : {std::pair(mul.getLhs(), mul.getRhs()),
                           std::pair(mul.getRhs(), mul.getLhs())}) {
      auto scan = y.getDefiningOp<SelectiveScanOp>();
      auto silu = gate.getDefiningOp<SiluOp>();
      if (!scan || !silu || y != scan.getResult(0) || scan.getZ() ||
          !y.hasOneUse())
        continue;
      // z may be defined behind the scan: move the scan down to the product,
      // which no reader of its state may precede.
      bool movable = scan->getBlock() == mul->getBlock() &&
                     llvm::all_of(scan->getUsers(), [&](Operation *user) {
                       Operation *inBlock =
                           mul->getBlock()->findAncestorOpInBlock(*user);
                       return inBlock == mul.getOperation() ||
                              (inBlock && mul->isBeforeInBlock(inBlock));
                     });
      if (!movable)
        continue;
      rewriter.moveOpBefore(scan, mul);
      rewriter.modifyOpInPlace(
          scan, [&] { scan.getZMutable().assign(silu.getInput()); });
      rewriter.replaceOp(mul, scan.getResult(0));
      return success();
    }
    return rewriter.notifyMatchFailure(mul, "no gate of a scan");
  }
};

struct FuseScanActivationsPass
    : mlir::marimba::impl::FuseScanActivationsBase<FuseScanActivationsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseSoftplus, FuseGate>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
