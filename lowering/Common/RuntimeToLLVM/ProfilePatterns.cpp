//===- ProfilePatterns.cpp - Regions of a profile to LLVM -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/Common/RuntimeToLLVM/ModuleSymbols.h"
#include "lowering/Common/RuntimeToLLVM/RuntimePatterns.h"
#include "lowering/Common/RuntimeToLLVM/StructAccess.h"
#include "marimba/abi.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct ConvertProfileBegin : SymbolPattern<rt::ProfileBeginOp> {
  using SymbolPattern::SymbolPattern;
  LogicalResult
  matchAndRewrite(rt::ProfileBeginOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    FailureOr<LLVM::LLVMFuncOp> function = symbols.function(
        rewriter, MARIMBA_FN_PROFILE_BEGIN, {}, rewriter.getI64Type());
    if (failed(function))
      return failure();
    rewriter.replaceOpWithNewOp<LLVM::CallOp>(op, *function, ValueRange());
    return success();
  }
};

struct ConvertProfileEnd : SymbolPattern<rt::ProfileEndOp> {
  using SymbolPattern::SymbolPattern;
  LogicalResult
  matchAndRewrite(rt::ProfileEndOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    if (!symbols.contains(MARIMBA_SYMBOL_PROFILE_REGIONS))
      return op.emitError()
             << "needs the counters @" << MARIMBA_SYMBOL_PROFILE_REGIONS
             << ", which --profile-regions adds";
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    FailureOr<LLVM::LLVMFuncOp> function = symbols.function(
        rewriter, MARIMBA_FN_PROFILE_END, {pointer, rewriter.getI64Type()});
    if (failed(function))
      return failure();
    Value regions = LLVM::AddressOfOp::create(rewriter, loc, pointer,
                                              MARIMBA_SYMBOL_PROFILE_REGIONS);
    Value region =
        StructAccess(rewriter, loc)
            .at(regions, op.getRegion() * sizeof(MarimbaProfileRegion));
    LLVM::CallOp::create(rewriter, loc, *function,
                         ValueRange{region, adaptor.getBegin()});
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void mlir::marimba::populateProfileToLLVMPatterns(LLVMTypeConverter &types,
                                                  ModuleSymbols &symbols,
                                                  RewritePatternSet &patterns) {
  patterns.add<ConvertProfileBegin, ConvertProfileEnd>(types, symbols);
}
