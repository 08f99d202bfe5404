//===- MarimbaToOneDNN.cpp - Projections to the library ---------*- C++ -*-===//
//
// Part of Marimba. See lowering/CPU/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/OneDNN/IR/OneDNN.h"
#include "lowering/CPU/MarimbaToOneDNN/MatmulChoice.h"
#include "lowering/CPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "llvm/Support/MemoryBuffer.h"

#define DEBUG_TYPE "convert-marimba-to-onednn"

namespace mlir::marimba {
#define GEN_PASS_DEF_CONVERTMARIMBATOONEDNN
#include "lowering/CPU/ConvertMarimbaToOneDNN.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct ConvertLinear : OpRewritePattern<LinearOp> {
  ConvertLinear(MLIRContext *ctx, const MatmulTarget &target,
                PassStatistic &numLibrary, PassStatistic &numPacked,
                PassStatistic &numLoops)
      : OpRewritePattern(ctx), target(target), numLibrary(numLibrary),
        numPacked(numPacked), numLoops(numLoops) {}

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    MatmulChoice choice = chooseMatmul(op, target);
    using Kind = MatmulChoice::Kind;
    auto options =
        remark::RemarkOpts::name(choice.kind == Kind::Packed    ? "packed"
                                 : choice.kind == Kind::Library ? "onednn"
                                                                : "loops")
            .category("matmul");
    Type weight = op.getWeight().getType();
    LDBG() << op.getLoc() << ": " << choice.reason;
    if (choice.kind == Kind::Loops) {
      ++numLoops;
      remark::missed(op.getLoc(), options) << remark::add("{0}", choice.reason)
                                           << remark::metric("weight", weight);
      return rewriter.notifyMatchFailure(op, choice.reason);
    }
    ReifiedRankedShapedTypeDims shape;
    if (failed(reifyResultShapes(rewriter, op, shape)))
      return rewriter.notifyMatchFailure(op, "shape is unknown");
    remark::passed(op.getLoc(), options) << remark::add("{0}", choice.reason)
                                         << remark::metric("weight", weight);
    Value empty = tensor::EmptyOp::create(rewriter, op.getLoc(), shape[0],
                                          rewriter.getF32Type());
    Value input = op.getInput();
    if (widensInput(op, target))
      input = widen(rewriter, input);
    if (choice.kind == Kind::Library) {
      ++numLibrary;
      rewriter.replaceOpWithNewOp<onednn::MatmulOp>(op, input, op.getWeight(),
                                                    op.getBias(), empty);
      return success();
    }
    ++numPacked;
    rewriter.replaceOpWithNewOp<PackedMatmulOp>(
        op, TypeRange(empty.getType()), input, op.getWeight(), op.getBias(),
        ValueRange(), empty, TypeAttr::get(packedType(op)),
        rewriter.getArrayAttr({}));
    return success();
  }

private:
  /// bf16 as f32: what it was rounded from, where that is known.
  static Value widen(OpBuilder &b, Value input) {
    if (auto rounded = input.getDefiningOp<arith::TruncFOp>();
        rounded && getElementTypeOrSelf(rounded.getIn()).isF32())
      return rounded.getIn();
    auto type = cast<RankedTensorType>(input.getType());
    return arith::ExtFOp::create(b, input.getLoc(), type.clone(b.getF32Type()),
                                 input);
  }

  MatmulTarget target;
  PassStatistic &numLibrary, &numPacked, &numLoops;
};

struct ConvertMarimbaToOneDNNPass
    : mlir::marimba::impl::ConvertMarimbaToOneDNNBase<
          ConvertMarimbaToOneDNNPass> {
  using ConvertMarimbaToOneDNNBase::ConvertMarimbaToOneDNNBase;

  void runOnOperation() override {
    std::optional<MatmulTable> own;
    if (failed(readTable(own)))
      return signalPassFailure();
    MatmulTarget machine{bf16Dots, smallestCall, streams, generated};
    machine.unit = unit;
    if (automatic)
      machine.table = own ? &*own : &MatmulTable::builtIn();
    RewritePatternSet patterns(&getContext());
    patterns.add<ConvertLinear>(&getContext(), machine, numLibrary, numPacked,
                                numLoops);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }

private:
  /// The table of the option `table`, if there is one.
  LogicalResult readTable(std::optional<MatmulTable> &own) {
    if (table.empty())
      return success();
    auto text = llvm::MemoryBuffer::getFile(table, /*IsText=*/true);
    if (!text)
      return getOperation().emitError("table of matmuls: ")
             << table << ": " << text.getError().message();
    std::string error;
    own = MatmulTable::parse((*text)->getBuffer(), table, error);
    return own ? success() : LogicalResult(getOperation().emitError(error));
  }
};

} // namespace
