//===- ModuleSymbols.cpp - The names of a module being converted ----------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/RuntimeToLLVM/ModuleSymbols.h"

#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"

using namespace mlir;
using namespace mlir::marimba;

bool ModuleSymbols::contains(StringRef name) {
  return tables.getSymbolTable(module).lookup(name) != nullptr;
}

FailureOr<LLVM::LLVMFuncOp> ModuleSymbols::function(OpBuilder &b,
                                                    StringRef name,
                                                    ArrayRef<Type> parameters,
                                                    Type result) {
  if (!result)
    result = LLVM::LLVMVoidType::get(b.getContext());
  return LLVM::lookupOrCreateFn(b, module, name, parameters, result,
                                /*isVarArg=*/false, /*isReserved=*/false,
                                &tables);
}

LLVM::GlobalOp ModuleSymbols::findConstant(StringRef name) {
  return tables.getSymbolTable(module).lookup<LLVM::GlobalOp>(name);
}

LLVM::GlobalOp ModuleSymbols::addConstant(OpBuilder &b, Location loc,
                                          StringRef name,
                                          LLVM::LLVMArrayType type,
                                          Attribute value, unsigned alignment) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(module.getBody());
  auto global =
      LLVM::GlobalOp::create(b, loc, type, /*isConstant=*/true,
                             LLVM::Linkage::Internal, name, value, alignment);
  insert(global);
  return global;
}

LLVM::GlobalOp ModuleSymbols::text(OpBuilder &b, Location loc, StringRef prefix,
                                   const Twine &text) {
  std::string bytes = (text + StringRef("\0", 1)).str();
  LLVM::GlobalOp &known = texts[bytes];
  if (!known)
    known = addConstant(b, loc, freeName(prefix),
                        LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size()),
                        b.getStringAttr(bytes));
  return known;
}

std::string ModuleSymbols::freeName(StringRef prefix) {
  std::string name;
  do
    name = (prefix + Twine(numbers[prefix]++)).str();
  while (contains(name));
  return name;
}

void ModuleSymbols::insert(Operation *symbol) {
  tables.getSymbolTable(module).insert(symbol);
}
