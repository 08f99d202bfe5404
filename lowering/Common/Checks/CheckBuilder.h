//===- CheckBuilder.h - Sizes of values, and checks of them -----*- C++ -*-===//
//
// Part of Marimba. What the checks of all dialects are built from.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_CHECKS_CHECKBUILDER_H
#define MARIMBA_LOWERING_COMMON_CHECKS_CHECKBUILDER_H

#include "dialects/Marimba/IR/Shapes.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

namespace mlir::marimba {

/// A size as an operation would compute it, and what it is called in a message:
/// "dimension 0 of u (argument 'u')".
struct Size {
  OpFoldResult value;
  std::string name;
};

/// Builds rt.check ops in front of an op.
class CheckBuilder {
public:
  CheckBuilder(MLIRContext *context) : b(context) {}

  /// What follows is for `op`.
  void startAt(Operation *op);
  /// Checks go in front of `other`, an op around this one.
  void insertBefore(Operation *other) { b.setInsertionPoint(other); }
  Operation *operation() { return op; }
  OpBuilder &builder() { return b; }
  Location loc() { return op->getLoc(); }

  /// Dimension `dim` of a tensor, traced through ops that keep sizes to where
  /// it is first known: often an argument's.
  OpFoldResult sizeOf(Value tensor, int64_t dim);
  Size size(StringRef name, Value tensor, int64_t dim);

  Value index(OpFoldResult value);
  Value constant(int64_t value);
  Value add(OpFoldResult a, OpFoldResult b);
  Value sub(OpFoldResult a, OpFoldResult b);
  Value mul(OpFoldResult a, OpFoldResult b);
  Value both(Value a, Value b);
  Value either(Value a, Value b);
  /// Signed comparisons.
  Value atMost(OpFoldResult a, OpFoldResult b);
  Value less(OpFoldResult a, OpFoldResult b);
  Value equal(OpFoldResult a, OpFoldResult b);
  /// least <= value < end
  Value inRange(OpFoldResult value, OpFoldResult least, OpFoldResult end);
  /// The product of sizes and whether each is at least 0 and all of them
  /// together are few enough for any memory.
  std::pair<Value, Value> product(ArrayRef<OpFoldResult> sizes);

  /// `message` has {0}, {1}, ... for `values`; "FILE:LINE:COLUMN: op: " is put
  /// in front of it.
  void require(Value condition, const Twine &message,
               ArrayRef<OpFoldResult> values);
  /// Two sizes that must be the same: nothing where both are known.
  void requireEqual(const Size &found, const Size &expected);
  /// `value` is an index into `size`.
  void requireIndex(StringRef what, OpFoldResult value, const Size &size);
  /// Every element of a tensor, or one index: `condition` makes the check of an
  /// element, given its place.
  void forEach(Value values,
               llvm::function_ref<void(Value element, ValueRange place)> check);

private:
  Value compare(unsigned predicate, OpFoldResult a, OpFoldResult b);

  OpBuilder b;
  Operation *op = nullptr;
  llvm::DenseMap<std::pair<Value, int64_t>, OpFoldResult> sizes;
};

/// "FILE:LINE:COLUMN: ", or nothing.
std::string placeOf(Location location);

/// An element as an index, whatever integer it is stored as.
Value asIndex(OpBuilder &b, Location loc, Value element);

// The checks of one op, by dialect.
void checkMarimbaOp(CheckBuilder &checks);
void checkLinalgOp(CheckBuilder &checks);
void checkTensorOp(CheckBuilder &checks);
void checkArithmeticOp(CheckBuilder &checks);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_CHECKS_CHECKBUILDER_H
