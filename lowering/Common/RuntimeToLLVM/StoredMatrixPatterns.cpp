//===- StoredMatrixPatterns.cpp - Where matrices are stored -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/Common/RuntimeToLLVM/ModuleSymbols.h"
#include "lowering/Common/RuntimeToLLVM/RuntimePatterns.h"
#include "marimba/abi.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// A contiguous view of static shape.
Value viewOf(ConversionPatternRewriter &rewriter, Location loc,
             const LLVMTypeConverter &types, MemRefType type, Value data) {
  return MemRefDescriptor::fromStaticShape(rewriter, loc, types, type, data);
}

struct ConvertStoredMatrices : SymbolPattern<rt::StoredMatricesOp> {
  using SymbolPattern::SymbolPattern;

  LogicalResult
  matchAndRewrite(rt::StoredMatricesOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto weight = cast<MemRefType>(op.getWeight().getType());
    Type i64 = rewriter.getI64Type();
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    FailureOr<LLVM::LLVMFuncOp> function = symbols.function(
        rewriter, MARIMBA_FN_STORED_MATRICES,
        {pointer, pointer, i64, i64, i64, pointer, pointer}, pointer);
    if (failed(function))
      return failure();
    auto constant = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(rewriter, loc, i64, value);
    };
    auto data = [&](Value memref, Value adapted) {
      return MemRefDescriptor(adapted).bufferPtr(
          rewriter, loc, *getTypeConverter(),
          cast<MemRefType>(memref.getType()));
    };
    int64_t element = weight.getElementTypeBitWidth() / 8;
    Value stride = LLVM::MulOp::create(
        rewriter, loc,
        MemRefDescriptor(adaptor.getWeight()).stride(rewriter, loc, 0),
        constant(element));
    Value matrix =
        constant(element * weight.getDimSize(1) * weight.getDimSize(2));
    Value table = LLVM::CallOp::create(
                      rewriter, loc, *function,
                      ValueRange{adaptor.getContext(),
                                 data(op.getWeight(), adaptor.getWeight()),
                                 constant(weight.getDimSize(0)), stride, matrix,
                                 data(op.getOrder(), adaptor.getOrder()),
                                 data(op.getOffsets(), adaptor.getOffsets())})
                      .getResult();
    rewriter.replaceOp(op, viewOf(rewriter, loc, *getTypeConverter(),
                                  cast<MemRefType>(op.getType()), table));
    return success();
  }
};

struct ConvertReadMatrix : SymbolPattern<rt::ReadMatrixOp> {
  using SymbolPattern::SymbolPattern;

  LogicalResult
  matchAndRewrite(rt::ReadMatrixOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type i64 = rewriter.getI64Type();
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    FailureOr<LLVM::LLVMFuncOp> function =
        symbols.function(rewriter, MARIMBA_FN_READ_MATRIX,
                         {pointer, i64, i64, pointer, pointer}, pointer);
    if (failed(function))
      return failure();
    auto data = [&](Value memref, Value adapted) {
      return MemRefDescriptor(adapted).bufferPtr(
          rewriter, loc, *getTypeConverter(),
          cast<MemRefType>(memref.getType()));
    };
    Value matrix = LLVM::CallOp::create(
                       rewriter, loc, *function,
                       ValueRange{data(op.getMatrices(), adaptor.getMatrices()),
                                  adaptor.getExpert(), adaptor.getPosition(),
                                  data(op.getOrder(), adaptor.getOrder()),
                                  data(op.getOffsets(), adaptor.getOffsets())})
                       .getResult();
    rewriter.replaceOp(op, viewOf(rewriter, loc, *getTypeConverter(),
                                  cast<MemRefType>(op.getType()), matrix));
    return success();
  }
};

} // namespace

void mlir::marimba::populateStoredMatricesToLLVMPatterns(
    LLVMTypeConverter &types, ModuleSymbols &symbols,
    RewritePatternSet &patterns) {
  patterns.add<ConvertStoredMatrices, ConvertReadMatrix>(types, symbols);
}
