//===- ModuleSymbols.h - The names of a module being converted --*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_RUNTIMETOLLVM_MODULESYMBOLS_H
#define MARIMBA_LOWERING_COMMON_RUNTIMETOLLVM_MODULESYMBOLS_H

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/StringMap.h"

namespace mlir::marimba {

/// Finds and adds functions and constants of a module by tables: a search
/// through its ops for each name takes minutes where there are thousands.
/// Functions that are converted meanwhile keep their names, not their ops.
class ModuleSymbols {
public:
  explicit ModuleSymbols(ModuleOp module) : module(module) {}

  bool contains(StringRef name);
  /// The function of the runtime, declared where it is not yet; an error where
  /// the name is another type's. Without `result` it returns nothing.
  FailureOr<LLVM::LLVMFuncOp> function(OpBuilder &b, StringRef name,
                                       ArrayRef<Type> parameters,
                                       Type result = {});
  /// The constant `name`; null where there is none.
  LLVM::GlobalOp findConstant(StringRef name);
  LLVM::GlobalOp addConstant(OpBuilder &b, Location loc, StringRef name,
                             LLVM::LLVMArrayType type, Attribute value,
                             unsigned alignment = 0);
  /// A constant of this text and a zero, one for all that ask for the same.
  LLVM::GlobalOp text(OpBuilder &b, Location loc, StringRef prefix,
                      const Twine &text);
  /// `prefix` and the next number that makes a name which nothing has.
  std::string freeName(StringRef prefix);
  /// Adds what was made with `b` in the module's body.
  void insert(Operation *symbol);

private:
  ModuleOp module;
  SymbolTableCollection tables;
  llvm::StringMap<unsigned> numbers;
  llvm::StringMap<LLVM::GlobalOp> texts;
};

/// A pattern that calls the runtime's functions or adds constants.
template <typename OpTy> struct SymbolPattern : ConvertOpToLLVMPattern<OpTy> {
  SymbolPattern(const LLVMTypeConverter &types, ModuleSymbols &symbols)
      : ConvertOpToLLVMPattern<OpTy>(types), symbols(symbols) {}

  ModuleSymbols &symbols;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_RUNTIMETOLLVM_MODULESYMBOLS_H
