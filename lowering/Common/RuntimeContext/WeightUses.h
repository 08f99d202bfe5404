//===- WeightUses.h - How a module reads its weights ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_RUNTIMECONTEXT_WEIGHTUSES_H
#define MARIMBA_LOWERING_COMMON_RUNTIMECONTEXT_WEIGHTUSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::marimba {

/// Who reads a weight, a matrix [n, k] or a stack [..., n, k] of them.
struct WeightUse {
  /// Element type of the packed copy that matmuls over whole matrices of it
  /// read; null where none does, or where they differ.
  Type packed;
  /// Whether generated matmuls read the copy, in blocks of 64 channels.
  bool blocks = false;
  /// Whether code asks where its matrices are stored (`rt.stored_matrices`).
  bool apart = false;
  /// Whether anything else reads it, as it is stored.
  bool stored = false;
};

/// The uses of all weights of a bufferised module, through calls of private
/// functions and views of whole matrices. An unknown use counts as a read of
/// the stored weight.
class WeightUses {
public:
  explicit WeightUses(ModuleOp module);

  /// The use of a weight, by its symbol.
  WeightUse lookup(StringRef weight) const { return byName.lookup(weight); }

private:
  WeightUse usesOf(Value value);

  SymbolTable symbols;
  llvm::DenseMap<Value, WeightUse> byValue;
  llvm::StringMap<WeightUse> byName;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_RUNTIMECONTEXT_WEIGHTUSES_H
