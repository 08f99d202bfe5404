//===- RuntimePatterns.h - rt and onednn ops to LLVM ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_RUNTIMETOLLVM_RUNTIMEPATTERNS_H
#define MARIMBA_LOWERING_COMMON_RUNTIMETOLLVM_RUNTIMEPATTERNS_H

namespace mlir {
class LLVMTypeConverter;
class RewritePatternSet;

namespace marimba {

class ModuleSymbols;

/// rt ops: loads from MarimbaCall and MarimbaContext, calls of the runtime.
void populateRuntimeToLLVMPatterns(LLVMTypeConverter &types,
                                   ModuleSymbols &symbols,
                                   RewritePatternSet &patterns);

/// The ops of a profile: calls of the runtime.
void populateProfileToLLVMPatterns(LLVMTypeConverter &types,
                                   ModuleSymbols &symbols,
                                   RewritePatternSet &patterns);

/// The ops that find stored matrices: calls of the runtime.
void populateStoredMatricesToLLVMPatterns(LLVMTypeConverter &types,
                                          ModuleSymbols &symbols,
                                          RewritePatternSet &patterns);

/// onednn ops: an argument struct on the stack and a call.
void populateOneDNNToLLVMPatterns(LLVMTypeConverter &types,
                                  ModuleSymbols &symbols,
                                  RewritePatternSet &patterns);

} // namespace marimba
} // namespace mlir

#endif // MARIMBA_LOWERING_COMMON_RUNTIMETOLLVM_RUNTIMEPATTERNS_H
