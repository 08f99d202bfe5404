//===- BufferizeModel.cpp - Tensors to memory, in place ---------*- C++ -*-===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/Common/Bufferize/FillSplats.h"
#include "lowering/Common/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "bufferize-model"

namespace mlir::marimba {
#define GEN_PASS_DEF_BUFFERIZEMODEL
#include "lowering/Common/BufferizeModel.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Layout of a function argument: rows are contiguous, the dimensions outside
/// them may be strided (a range of state slots, a slice of a batch). Tensors
/// of static shape, weights, are contiguous.
bufferization::BufferLikeType
argumentType(bufferization::TensorLikeType tensor, Attribute memorySpace,
             FunctionOpInterface, const bufferization::BufferizationOptions &) {
  auto type = cast<RankedTensorType>(tensor);
  MemRefLayoutAttrInterface layout;
  if (!type.hasStaticShape()) {
    SmallVector<int64_t> strides(type.getRank(), ShapedType::kDynamic);
    int64_t stride = 1;
    for (int64_t d = type.getRank() - 1; d >= 0; --d) {
      if (d > 0 || type.getRank() == 1)
        strides[d] = stride;
      if (type.isDynamicDim(d))
        break;
      stride *= type.getDimSize(d);
    }
    layout = StridedLayoutAttr::get(type.getContext(), ShapedType::kDynamic,
                                    strides);
  }
  return cast<bufferization::BufferLikeType>(MemRefType::get(
      type.getShape(), type.getElementType(), layout, memorySpace));
}

/// memref.copy would become a library call for strided operands. A tile that
/// was computed in place is "copied" onto itself.
struct CopyToLinalg : OpRewritePattern<memref::CopyOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(memref::CopyOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getSource() == op.getTarget())
      rewriter.eraseOp(op);
    else
      rewriter.replaceOpWithNewOp<linalg::CopyOp>(op, op.getSource(),
                                                  op.getTarget());
    return success();
  }
};

/// Splitting rows [B*T, H] into [B, T, H]: MLIR 22's expansion of strided
/// metadata takes one dynamic size a group only, and crashes on two.
struct ExpandToReinterpret : OpRewritePattern<memref::ExpandShapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(memref::ExpandShapeOp op,
                                PatternRewriter &rewriter) const override {
    MemRefType type = op.getResultType();
    if (!op.getSrcType().getLayout().isIdentity() ||
        llvm::none_of(op.getReassociationIndices(), [&](auto &group) {
          return llvm::count_if(group, [&](int64_t d) {
                   return type.isDynamicDim(d);
                 }) > 1;
        }))
      return rewriter.notifyMatchFailure(op, "MLIR can do it");
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
    SmallVector<OpFoldResult> strides(sizes.size());
    OpFoldResult stride = rewriter.getIndexAttr(1);
    AffineExpr a, b;
    bindSymbols(rewriter.getContext(), a, b);
    for (int64_t d = sizes.size() - 1; d >= 0; --d) {
      strides[d] = stride;
      stride = affine::makeComposedFoldedAffineApply(rewriter, loc, a * b,
                                                     {stride, sizes[d]});
    }
    Value view = memref::ReinterpretCastOp::create(
        rewriter, loc, op.getSrc(), rewriter.getIndexAttr(0), sizes, strides);
    rewriter.replaceOpWithNewOp<memref::CastOp>(op, type, view);
    return success();
  }
};

struct BufferizeModelPass
    : mlir::marimba::impl::BufferizeModelBase<BufferizeModelPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    IRRewriter rewriter(&getContext());
    for (auto func : module.getOps<func::FuncOp>())
      for (auto types : {func.getArgumentTypes(), func.getResultTypes()})
        for (Type type : types)
          if (isa<UnrankedTensorType, BaseMemRefType>(type)) {
            func.emitError("has a value of type ")
                << type << " at its boundary, expected ranked tensors";
            return signalPassFailure();
          }

    for (auto func : module.getOps<func::FuncOp>())
      fillSplats(func);

    bufferization::OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.functionArgTypeConverterFn = argumentType;
    options.inferFunctionResultLayout = true;
    options.bufferAlignment = 64;

    bufferization::OneShotAnalysisState state(module, options);
    if (failed(bufferization::eliminateEmptyTensors(rewriter, module, state)))
      return signalPassFailure();

    bufferization::BufferizationState bufferization;
    if (failed(bufferization::runOneShotModuleBufferize(module, options,
                                                        bufferization)))
      return signalPassFailure();
    // A loop or a branch that returns what it was given hides an argument.
    RewritePatternSet control(&getContext());
    scf::ForOp::getCanonicalizationPatterns(control, &getContext());
    scf::IfOp::getCanonicalizationPatterns(control, &getContext());
    if (failed(applyPatternsGreedily(module, std::move(control))))
      return signalPassFailure();
    // Results that are arguments go, those of entries too: nobody but this
    // module's own pipeline knows their signature.
    SmallVector<func::FuncOp> entries;
    for (auto func : module.getOps<func::FuncOp>())
      if (func->hasAttr(kEntryAttr) && func.isPublic()) {
        func.setPrivate();
        entries.push_back(func);
      }
    // A caller's result is an argument only once its callee's is: repeat.
    auto countResults = [&] {
      int64_t count = 0;
      for (auto func : module.getOps<func::FuncOp>())
        count += func.getNumResults();
      return count;
    };
    for (int64_t before = -1; before != countResults();) {
      before = countResults();
      if (failed(bufferization::dropEquivalentBufferResults(module)))
        return signalPassFailure();
    }
    for (func::FuncOp func : entries)
      func.setPublic();

    for (auto func : module.getOps<func::FuncOp>()) {
      for (auto [i, type] : llvm::enumerate(func.getResultTypes()))
        if (isa<BaseMemRefType>(type)) {
          func.emitError("result #")
              << i << " is a new buffer; it has to be one of the arguments, "
              << "updated in place (is its old value read afterwards?)";
          return signalPassFailure();
        }
    }
    // Views of the same tile become one value.
    DominanceInfo dominance(module);
    eliminateCommonSubExpressions(rewriter, dominance, module);
    RewritePatternSet patterns(&getContext());
    patterns.add<CopyToLinalg, ExpandToReinterpret>(&getContext());
    walkAndApplyPatterns(module, std::move(patterns));
    module.walk([&](Operation *op) {
      if (isa<memref::AllocOp>(op))
        ++numAllocated;
      else if (isa<linalg::CopyOp>(op)) {
        LDBG() << "a copy is left: " << op->getLoc();
        ++numCopies;
      }
    });
  }
};

} // namespace
