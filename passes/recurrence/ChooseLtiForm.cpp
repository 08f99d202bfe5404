//===- ChooseLtiForm.cpp - Recurrence or convolution ------------*- C++ -*-===//
//
// Part of Marimba. See passes/recurrence/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/recurrence/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "choose-lti-form"

namespace mlir::marimba {
#define GEN_PASS_DEF_CHOOSELTIFORM
#include "passes/recurrence/ChooseLtiForm.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Vector instructions for each token of one vector of channels; the constants
/// that are not counts were measured (docs/pipeline.md). A product and sum of
/// the recurrence has its operands in registers or in the first-level cache;
/// the tables of the convolution are larger, and each of their values is loaded
/// for one product. To make a value of the tables means walks through memory.
struct CostModel {
  int64_t states; // complex ones count once
  bool complex;
  double tokens;   // of one call
  double loadCost; // of a value of a table, in products

  double recurrence() const { return states * (complex ? 8.0 : 3.0); }

  double convolution(int64_t length) const {
    if (tokens < length)
      return recurrence() + 1; // all tail
    double parts = complex ? 2 : 1;
    // y and the state, the step of the state once a block, the kernel's
    // triangle.
    double block =
        states * (2 * parts * (1 + loadCost) + (complex ? 4.0 : 1.0) / length) +
        (length + 1) / 2.0;
    // inject, readout and kernel.
    double tables = states * length * (complex ? 60.0 : 20.0);
    return block + tables / tokens;
  }
};

Value powers(PatternRewriter &rewriter, Location loc, Value input, Value decay,
             int64_t first, int64_t length, bool complex) {
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape.insert(shape.begin(), length);
  return LTIPowersOp::create(rewriter, loc, type.clone(shape), input, decay,
                             first, complex);
}

/// States times tokens of a block, so that the tables of a vector of channels
/// fit in the second-level cache and on a thread's stack.
constexpr int64_t kMostTable = 2048;

struct ToConvolution : OpRewritePattern<LTIScanOp> {
  ToConvolution(MLIRContext *ctx, int64_t tokens, int64_t length,
                double loadCost, bool always, PassStatistic &statistic)
      : OpRewritePattern(ctx), tokens(tokens), length(length),
        loadCost(loadCost), always(always), statistic(statistic) {}

  LogicalResult matchAndRewrite(LTIScanOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "not on tensors");
    CostModel cost = model(op, tokens, loadCost);
    LDBG() << op.getLoc() << ": " << cost.recurrence()
           << " instructions a token as a recurrence, "
           << cost.convolution(length) << " as a convolution";
    if (!always && cost.convolution(length) >= cost.recurrence())
      return rewriter.notifyMatchFailure(op, "recurrence is cheaper");
    if (cost.states * length > kMostTable)
      return rewriter.notifyMatchFailure(op, "tables are too large");
    Location loc = op.getLoc();
    bool complex = op.getComplex();
    Value inject =
        powers(rewriter, loc, op.getGain(), op.getDecay(), 0, length, complex);
    Value readout =
        powers(rewriter, loc, op.getC(), op.getDecay(), 1, length, complex);
    auto c = cast<RankedTensorType>(op.getC().getType());
    Value kernel =
        LTIKernelOp::create(rewriter, loc, c.clone({length, c.getDimSize(1)}),
                            op.getC(), inject, complex);
    rewriter.replaceOpWithNewOp<LongConvolutionOp>(
        op, op.getResultTypes(), op.getU(), kernel, op.getDecay(), inject,
        readout, op.getD(), op.getValid(), op.getInits(), complex);
    ++statistic;
    return success();
  }

  template <typename OpTy>
  static CostModel model(OpTy op, int64_t tokens, double loadCost) {
    int64_t time = cast<ShapedType>(op.getU().getType()).getDimSize(1);
    int64_t rows = cast<ShapedType>(op.getState().getType()).getDimSize(1);
    return {op.getComplex() ? rows / 2 : rows, op.getComplex(),
            double(ShapedType::isDynamic(time) ? tokens : time), loadCost};
  }

  int64_t tokens, length;
  double loadCost;
  bool always;
  PassStatistic &statistic;
};

/// A convolution whose tables are those of a recurrence.
struct ToRecurrence : OpRewritePattern<LongConvolutionOp> {
  ToRecurrence(MLIRContext *ctx, int64_t tokens, double loadCost, bool always,
               PassStatistic &statistic)
      : OpRewritePattern(ctx), tokens(tokens), loadCost(loadCost),
        always(always), statistic(statistic) {}

  LogicalResult matchAndRewrite(LongConvolutionOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "not on tensors");
    auto inject = op.getInject().getDefiningOp<LTIPowersOp>();
    auto readout = op.getReadout().getDefiningOp<LTIPowersOp>();
    auto kernel = op.getKernel().getDefiningOp<LTIKernelOp>();
    if (!inject || !readout || !kernel || inject.getFirst() != 0 ||
        readout.getFirst() != 1 || inject.getDecay() != op.getDecay() ||
        readout.getDecay() != op.getDecay() ||
        kernel.getPowers() != inject.getResult() ||
        kernel.getC() != readout.getInput())
      return rewriter.notifyMatchFailure(op, "tables of another system");
    bool complex = op.getComplex();
    if (inject.getComplex() != complex || readout.getComplex() != complex ||
        kernel.getComplex() != complex)
      return rewriter.notifyMatchFailure(op, "real and complex are mixed");
    CostModel cost = ToConvolution::model(op, tokens, loadCost);
    if (!always && cost.recurrence() > cost.convolution(op.getBlockLength()))
      return rewriter.notifyMatchFailure(op, "convolution is cheaper");
    rewriter.replaceOpWithNewOp<LTIScanOp>(
        op, op.getResultTypes(), op.getU(), op.getDecay(), inject.getInput(),
        readout.getInput(), op.getD(), op.getValid(), op.getInits(), complex);
    ++statistic;
    return success();
  }

  int64_t tokens;
  double loadCost;
  bool always;
  PassStatistic &statistic;
};

struct ChooseLtiFormPass
    : mlir::marimba::impl::ChooseLtiFormBase<ChooseLtiFormPass> {
  using Base::Base;

  void runOnOperation() override {
    if (length < 1 || tokens < 1 || !(loadCost >= 0)) {
      getOperation().emitError("block of ")
          << length << " tokens, " << tokens
          << " tokens of a call and a load at " << loadCost.getValue()
          << ": expected at least 1, at least 1 and at least 0";
      return signalPassFailure();
    }
    bool cheapest = form == "cheapest";
    if (!cheapest && form != "recurrence" && form != "convolution") {
      getOperation().emitError("form is '")
          << form << "', expected cheapest, recurrence or convolution";
      return signalPassFailure();
    }
    RewritePatternSet patterns(&getContext());
    if (cheapest || form == "convolution")
      patterns.add<ToConvolution>(&getContext(), tokens, length, loadCost,
                                  !cheapest, numConvolutions);
    if (cheapest || form == "recurrence")
      patterns.add<ToRecurrence>(&getContext(), tokens, loadCost, !cheapest,
                                 numRecurrences);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
