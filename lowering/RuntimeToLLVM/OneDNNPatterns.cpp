//===- OneDNNPatterns.cpp - onednn ops to LLVM ------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/OneDNN/IR/OneDNN.h"
#include "lowering/RuntimeToLLVM/RuntimePatterns.h"
#include "lowering/RuntimeToLLVM/StructAccess.h"
#include "marimba/abi.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

int32_t dtypeOf(Type type) {
  if (type.isBF16())
    return MARIMBA_BF16;
  return type.isF16() ? MARIMBA_F16 : MARIMBA_F32;
}

/// The context is the first argument of every function by now.
Value contextOf(Operation *op) {
  return op->getParentOfType<FunctionOpInterface>().getArgument(0);
}

struct ConvertMatmul : ConvertOpToLLVMPattern<onednn::MatmulOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(onednn::MatmulOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MLIRContext *ctx = op.getContext();
    auto pointer = LLVM::LLVMPointerType::get(ctx);
    FailureOr<LLVM::LLVMFuncOp> function = LLVM::lookupOrCreateFn(
        rewriter, op->getParentOfType<ModuleOp>(), MARIMBA_FN_ONEDNN_MATMUL,
        {pointer, pointer}, LLVM::LLVMVoidType::get(ctx));
    if (failed(function))
      return failure();
    auto weight = dyn_cast<MemRefType>(op.getWeight().getType());
    if (!weight)
      return rewriter.notifyMatchFailure(op, "not on memrefs");

    StructAccess s(rewriter, loc);
    auto bytes =
        LLVM::LLVMArrayType::get(rewriter.getI8Type(), sizeof(MarimbaMatmul));
    Value args = s.stack(op, bytes);
    auto data = [&](Value memref, Value converted) {
      MemRefDescriptor view(converted);
      return view.bufferPtr(rewriter, loc, *getTypeConverter(),
                            cast<MemRefType>(memref.getType()));
    };
    Value bias = op.getBias()
                     ? data(op.getBias(), adaptor.getBias())
                     : LLVM::ZeroOp::create(rewriter, loc, pointer).getResult();
    Value x = data(op.getInput(), adaptor.getInput());
    Value y = data(op.getInits()[0], adaptor.getInits()[0]);
    s.store(x, args, offsetof(MarimbaMatmul, x));
    s.store(data(op.getWeight(), adaptor.getWeight()), args,
            offsetof(MarimbaMatmul, w));
    s.store(bias, args, offsetof(MarimbaMatmul, bias));
    s.store(y, args, offsetof(MarimbaMatmul, y));

    MemRefDescriptor input(adaptor.getInput()), output(adaptor.getInits()[0]);
    int64_t rank = cast<MemRefType>(op.getInput().getType()).getRank();
    auto outer = [&](MemRefDescriptor &view) {
      return rank == 3 ? view.stride(rewriter, loc, 0) : s.constant(0);
    };
    Value batch = rank == 3 ? input.size(rewriter, loc, 0) : s.constant(1);
    s.store(batch, args, offsetof(MarimbaMatmul, batch));
    s.store(input.size(rewriter, loc, rank - 2), args,
            offsetof(MarimbaMatmul, rows));
    s.store(s.constant(weight.getDimSize(1)), args, offsetof(MarimbaMatmul, k));
    s.store(s.constant(weight.getDimSize(0)), args, offsetof(MarimbaMatmul, n));
    s.store(outer(input), args, offsetof(MarimbaMatmul, xBatchStride));
    s.store(input.stride(rewriter, loc, rank - 2), args,
            offsetof(MarimbaMatmul, xRowStride));
    s.store(outer(output), args, offsetof(MarimbaMatmul, yBatchStride));
    s.store(output.stride(rewriter, loc, rank - 2), args,
            offsetof(MarimbaMatmul, yRowStride));
    auto type = [&](Type of) {
      return LLVM::ConstantOp::create(rewriter, loc, rewriter.getI32Type(),
                                      dtypeOf(of));
    };
    s.store(type(weight.getElementType()), args,
            offsetof(MarimbaMatmul, weightType));
    Type biasType = op.getBias() ? getElementTypeOrSelf(op.getBias().getType())
                                 : rewriter.getF32Type();
    s.store(type(biasType), args, offsetof(MarimbaMatmul, biasType));
    LLVM::CallOp::create(rewriter, loc, *function,
                         ValueRange{contextOf(op), args});
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void mlir::marimba::populateOneDNNToLLVMPatterns(LLVMTypeConverter &types,
                                                 RewritePatternSet &patterns) {
  patterns.add<ConvertMatmul>(types);
}
