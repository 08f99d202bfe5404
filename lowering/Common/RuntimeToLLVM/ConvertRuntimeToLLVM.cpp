//===- ConvertRuntimeToLLVM.cpp - The last conversion -----------*- C++ -*-===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/OneDNN/IR/OneDNN.h"
#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/Common/Passes.h"
#include "lowering/Common/RuntimeContext/Description.h"
#include "lowering/Common/RuntimeToLLVM/ModuleSymbols.h"
#include "lowering/Common/RuntimeToLLVM/RuntimePatterns.h"
#include "marimba/abi.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/AMX/Transforms.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/DialectConversion.h"

#define DEBUG_TYPE "convert-runtime-to-llvm"

namespace mlir::marimba {
#define GEN_PASS_DEF_CONVERTRUNTIMETOLLVM
#include "lowering/Common/ConvertRuntimeToLLVM.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct ConvertRuntimeToLLVMPass
    : mlir::marimba::impl::ConvertRuntimeToLLVMBase<ConvertRuntimeToLLVMPass> {
  void runOnOperation() override {
    MLIRContext *ctx = &getContext();
    bool hasTiles = false;
    getOperation().walk([&](Operation *op) {
      if (isa_and_present<rt::RuntimeDialect>(op->getDialect()))
        ++numRuntimeOps;
      else if (isa_and_present<onednn::OneDNNDialect>(op->getDialect())) {
        LDBG() << "a call of the library: " << *op;
        ++numLibraryCalls;
      } else if (isa_and_present<amx::AMXDialect>(op->getDialect())) {
        hasTiles = true;
        ++numTileOps;
      }
    });
    if (hasTiles)
      addText(getOperation(), MARIMBA_SYMBOL_TILES, "");
    LLVMTypeConverter types(ctx);
    auto pointer = [ctx](Type) -> Type {
      return LLVM::LLVMPointerType::get(ctx);
    };
    types.addConversion([&](rt::ContextType t) { return pointer(t); });
    types.addConversion([&](rt::CallType t) { return pointer(t); });
    types.addConversion([&](rt::TableType t) { return pointer(t); });

    ModuleSymbols symbols(getOperation());
    RewritePatternSet patterns(ctx);
    populateRuntimeToLLVMPatterns(types, symbols, patterns);
    populateProfileToLLVMPatterns(types, symbols, patterns);
    populateStoredMatricesToLLVMPatterns(types, symbols, patterns);
    populateOneDNNToLLVMPatterns(types, symbols, patterns);
    populateFuncToLLVMConversionPatterns(types, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(types, patterns);
    arith::populateArithToLLVMConversionPatterns(types, patterns);
    index::populateIndexToLLVMConversionPatterns(types, patterns);
    populateFinalizeMemRefToLLVMConversionPatterns(types, patterns);
    populateVectorToLLVMConversionPatterns(types, patterns);
    populateMathToLLVMConversionPatterns(types, patterns);
    ub::populateUBToLLVMConversionPatterns(types, patterns);

    populateAMXLegalizeForLLVMExportPatterns(types, patterns);

    LLVMConversionTarget target(*ctx);
    configureAMXLegalizeForExportTarget(target);
    target.addLegalOp<ModuleOp>();
    if (failed(
            applyFullConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
