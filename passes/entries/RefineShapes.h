//===- RefineShapes.h - What follows from sizes of arguments ----*- C++ -*-===//
//
// Part of Marimba. Private to passes/entries.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_ENTRIES_REFINESHAPES_H
#define MARIMBA_PASSES_ENTRIES_REFINESHAPES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/DenseMap.h"
#include <string>

namespace mlir::marimba {

/// Copies functions for arguments of more static types, and makes static in
/// them what follows: through destinations, the ops' shape reification, sizes
/// that ops carry as operands, loops and calls. An op that says nothing of its
/// results keeps its types, and gets its operands cast back to what they were.
class ShapeRefiner {
public:
  /// Functions that a copied one calls are copied as well, with `suffix` behind
  /// their names.
  ShapeRefiner(ModuleOp module, StringRef suffix)
      : symbols(module), suffix(suffix), b(module.getContext()) {}

  /// The copy of `function`, which has a body, for arguments of `inputs`, under
  /// `name`; one for all calls with the same types. Fails, with a diagnostic,
  /// if what follows contradicts an op.
  FailureOr<func::FuncOp> copy(func::FuncOp function, ArrayRef<Type> inputs,
                               const Twine &name);

  /// Erases the copies that nothing reaches from `root`: those for a type that
  /// a loop turned out not to have.
  void eraseUnused(func::FuncOp root);

private:
  LogicalResult refine(Region &region);
  LogicalResult refine(Operation *op);
  LogicalResult refineCall(func::CallOp call);
  LogicalResult refineLoop(LoopLikeOpInterface loop);
  /// Gives `op` its regions back as they are in its clone `asWas`.
  void restore(Operation *op, Operation *asWas);
  void refineDestinations(DestinationStyleOpInterface op);
  void refineByReification(Operation *op);
  void refineCast(tensor::CastOp cast);
  void refineElementwise(Operation *op);
  void keepOperandTypes(Operation *op);

  /// Ops that carry sizes as operands; false where `op` is none.
  bool refineSizes(Operation *op);
  /// `sizes` are those of the dynamic dimensions of `result`.
  void dropKnownSizes(OpResult result, MutableOperandRange sizes);
  void refineExtraction(tensor::ExtractSliceOp slice);
  template <typename Slice> void refineInsertion(Slice slice);
  void refineExpansion(tensor::ExpandShapeOp expand);

  /// A size as a number, where it follows from types.
  OpFoldResult known(OpFoldResult size);
  std::optional<int64_t> constantOf(Value value);
  SmallVector<OpFoldResult> known(SmallVector<OpFoldResult> sizes);
  /// The sizes of the results of `op` that are known; empty where the op does
  /// not say.
  SmallVector<SmallVector<int64_t>> reify(Operation *op);
  void setType(Value value, Type type);
  void castTo(OpOperand &operand, Type type);

  SymbolTable symbols;
  std::string suffix;
  OpBuilder b;
  llvm::DenseMap<std::pair<Operation *, Type>, func::FuncOp> copies;
  llvm::DenseMap<Value, Type> before; // of values whose types changed
};

} // namespace mlir::marimba

#endif // MARIMBA_PASSES_ENTRIES_REFINESHAPES_H
