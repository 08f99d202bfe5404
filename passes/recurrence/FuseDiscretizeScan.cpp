//===- FuseDiscretizeScan.cpp - One op for the SSM layer --------*- C++ -*-===//
//
// Part of Marimba. See passes/recurrence/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/recurrence/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "fuse-discretize-scan"

namespace mlir::marimba {
#define GEN_PASS_DEF_FUSEDISCRETIZESCAN
#include "passes/recurrence/FuseDiscretizeScan.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Whether every reader of `value` is after `op` in its block.
bool isReadOnlyAfter(Value value, Operation *op) {
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    Operation *inBlock = op->getBlock()->findAncestorOpInBlock(*user);
    return inBlock && op->isBeforeInBlock(inBlock);
  });
}

struct FuseReadout : OpRewritePattern<ReadoutOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReadoutOp readout,
                                PatternRewriter &rewriter) const override {
    auto scan = readout.getStates().getDefiningOp<ScanOp>();
    if (!scan || !scan.getResult(0).hasOneUse())
      return rewriter.notifyMatchFailure(readout, "states have other readers");
    if (scan.getComplex())
      return rewriter.notifyMatchFailure(readout, "states are complex");
    auto discretize = scan.getDecay().getDefiningOp<DiscretizeOp>();
    if (!discretize || scan.getDecay() != discretize.getDecay() ||
        scan.getInput() != discretize.getInput())
      return rewriter.notifyMatchFailure(readout, "not a discretized system");
    if (discretize.getRule() != DiscretizationRule::Euler)
      return rewriter.notifyMatchFailure(readout, "rule is not euler");
    if (readout.getD() && readout.getU() != discretize.getU())
      return rewriter.notifyMatchFailure(readout, "skips another input");
    if (readout.getType() != discretize.getU().getType())
      return rewriter.notifyMatchFailure(readout, "u is more or less static");
    // The last state moves down to the readout.
    if (!isReadOnlyAfter(scan.getResult(1), readout))
      return rewriter.notifyMatchFailure(readout, "state is read before");

    Location loc = readout.getLoc();
    Value u = discretize.getU();
    Value empty = tensor::EmptyOp::create(
        rewriter, loc, tensor::getMixedSizes(rewriter, loc, u),
        rewriter.getF32Type());
    auto fused = SelectiveScanOp::create(
        rewriter, loc,
        TypeRange{readout.getType(), scan.getResult(1).getType()}, u,
        discretize.getDelta(), discretize.getA(), discretize.getB(),
        readout.getC(), readout.getD(), /*z=*/Value(), /*delta_bias=*/Value(),
        scan.getValid(), /*ahead=*/ValueRange(),
        ValueRange{empty, scan.getState()},
        /*delta_softplus=*/false);
    rewriter.replaceAllUsesWith(scan.getResult(1), fused.getResult(1));
    rewriter.replaceOp(readout, fused.getResult(0));
    rewriter.eraseOp(scan);
    if (discretize->use_empty())
      rewriter.eraseOp(discretize);
    return success();
  }
};

struct FuseDiscretizeScanPass
    : mlir::marimba::impl::FuseDiscretizeScanBase<FuseDiscretizeScanPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseReadout>(&getContext());
    CountRewrites counter(DEBUG_TYPE, numFused, isAnyOf<ReadoutOp>);
    walkAndApplyPatterns(getOperation(), std::move(patterns), &counter);
  }
};

} // namespace
