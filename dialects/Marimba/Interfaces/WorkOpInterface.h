//===- WorkOpInterface.h - What work an op does -----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_INTERFACES_WORKOPINTERFACE_H
#define MARIMBA_DIALECTS_MARIMBA_INTERFACES_WORKOPINTERFACE_H

#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace mlir::marimba {

/// The size that a letter ("T") stands for where no type says it.
using DynamicSize = llvm::function_ref<double(llvm::StringRef letter)>;

/// The operations of an op. A product and a sum are two; a difference, a
/// quotient, a square root, a maximum are one each.
struct OpWork {
  /// By the type that they are computed in.
  double f32 = 0, f64 = 0, int8 = 0;
  /// Exponentials, and what costs as much: logarithms, tanh, sines and cosines.
  double exps = 0;
  /// Elements of states that are advanced by a decay of their own:
  /// h = exp(delta A) h + (delta u) B. Their exponentials and the 4 operations
  /// around each, 6 where C h is summed up as well, are not in the numbers
  /// above.
  double updates = 0;

  /// Operations of products with a weight, beside those above: in f32, or in
  /// what the compilation narrows them to, unless they are `exact`.
  struct Products {
    Value weight;
    double operations;
    bool exact = false;
  };
  llvm::SmallVector<Products, 3> products;

  /// What attention does for each query and each key that it sees, all heads of
  /// a token, beside the above; and how many keys a query sees at most, 0: all.
  double f32PerPair = 0, expsPerPair = 0;
  int64_t window = 0;
};

/// The bytes of an operand or a result of `op`, an op of the dialect.
double bytesOf(Operation *op, Value value, DynamicSize size);

/// The sum of what an op of the dialect reads and writes.
double bytesMoved(Operation *op, DynamicSize size);

} // namespace mlir::marimba

#include "dialects/Marimba/Interfaces/WorkOpInterface.h.inc"

#endif // MARIMBA_DIALECTS_MARIMBA_INTERFACES_WORKOPINTERFACE_H
