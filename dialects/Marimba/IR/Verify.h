//===- Verify.h - What verifiers of destination ops share -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_IR_VERIFY_H
#define MARIMBA_DIALECTS_MARIMBA_IR_VERIFY_H

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/Shapes.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include <string>

namespace mlir::marimba {

/// The operands of `op` beside their entries in its table of shapes. The last
/// entries are the destinations, the others one ODS operand each.
template <typename OpTy>
SmallVector<std::pair<Value, OperandShape>> namedOperands(OpTy op) {
  ArrayRef<OperandShape> shapes = OpTy::getOperandShapes();
  SmallVector<std::pair<Value, OperandShape>> result;
  size_t inputs = shapes.size() - op.getDpsInits().size();
  for (size_t i = 0; i < inputs; ++i)
    for (Value value : op.getODSOperands(i))
      result.emplace_back(value, shapes[i]);
  for (auto [value, shape] :
       llvm::zip(op.getDpsInits(), shapes.drop_front(inputs)))
    result.emplace_back(value, shape);
  return result;
}

/// The same where letters follow from ranks.
SmallVector<std::pair<Value, OperandShape>> namedOperands(LinearAttentionOp op);

/// The table of a recurrence, whose operands are listed once
/// (getOperandShapes()). What counts tokens is at most T.
template <typename OpTy> OpShapes shapesOfRecurrence(OpTy op) {
  OpShapes shapes;
  for (auto [value, shape] : namedOperands(op)) {
    shapes.values.push_back({shape.name, value, shape.letters.str()});
    if (shape.name == "valid")
      shapes.indices.push_back({"valid", value, "T", /*offset=*/1});
  }
  return shapes;
}

/// Checks operands against shapes written with the letters of the dialect's
/// description: `shapes.check("input", type, "B T H")`. The first static size
/// seen for a letter binds it, each later one must agree; dynamic sizes agree
/// with anything. Only the first failure is reported.
class ShapeChecker {
public:
  explicit ShapeChecker(Operation *op) : op(op) {}

  /// The rank and every dimension of `value`. An absent optional operand, a
  /// null value, passes.
  ShapeChecker &check(StringRef name, Value value, StringRef letters);

  /// All rows of a table that have a value.
  ShapeChecker &check(const OpShapes &shapes) {
    for (const NamedShape &shape : shapes.values)
      check(shape.name, shape.value, shape.letters);
    return *this;
  }

  /// Binds a letter to a size that follows from others; `why` is a phrase,
  /// e.g. "one less than W". A dynamic size binds nothing.
  ShapeChecker &bind(StringRef letter, int64_t size, const Twine &why);

  /// A rule between sizes, e.g. "Hq is a multiple of Hkv".
  ShapeChecker &require(bool holds, const Twine &message);

  /// The size that `letter` stands for has to be known at compile time.
  ShapeChecker &requireStatic(StringRef letter) {
    return require(get(letter) != ShapedType::kDynamic,
                   Twine(letter) + " is dynamic, expected a static size");
  }

  /// A complex state has real parts and as many imaginary ones: N is static and
  /// even. A real one may have any N.
  ShapeChecker &requireParts(bool complex);

  /// The size bound to a letter, or ShapedType::kDynamic.
  int64_t get(StringRef letter) const;

  LogicalResult result() const { return failure(failed); }

private:
  struct Binding {
    int64_t size;
    std::string why;
  };

  Operation *op;
  llvm::StringMap<Binding> bindings;
  bool failed = false;
};

/// "d0 d1 ... <last>": letters for a shape of any rank whose last dimension
/// alone has a name.
std::string lettersWithLast(Value value, StringRef last);

/// Letters for a shape of any rank whose dimensions have no names.
std::string lettersOfRank(Value value);

/// The invariants of all destination-style ops: one init for each name, all
/// operands tensors or all memrefs, one result per init on tensors and none on
/// memrefs. (The interface itself verifies that the types are tied.)
LogicalResult verifyDestination(DestinationStyleOpInterface op,
                                ArrayRef<StringRef> inits);

/// Fails unless `value` is finite and greater than zero.
LogicalResult verifyPositive(Operation *op, StringRef name,
                             const APFloat &value);

/// The result shapes of a destination-style op: those of its inits.
LogicalResult
reifyFromInits(OpBuilder &builder, DestinationStyleOpInterface op,
               SmallVectorImpl<SmallVector<OpFoldResult>> &shapes);

/// Memory read and written by a destination-style op: nothing on tensors; on
/// memrefs all operands are read and the inits written.
void getDestinationEffects(
    DestinationStyleOpInterface op,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects);

/// Folds each memref.cast that forgets sizes or strides into the op, which then
/// sees the more static type. (memref::foldMemRefCast would also fold casts the
/// other way, and so take what the lowering has to know.)
LogicalResult foldBufferCasts(DestinationStyleOpInterface op);

/// The result shapes of an op by its table of shapes: static sizes as
/// attributes, others as dimensions of the first operand with the same letter.
/// Fails for a result that is not in the table, and where no operand has a
/// letter.
LogicalResult
reifyByLetters(OpBuilder &builder, Operation *op, const OpShapes &table,
               SmallVectorImpl<SmallVector<OpFoldResult>> &shapes);

} // namespace mlir::marimba

#endif // MARIMBA_DIALECTS_MARIMBA_IR_VERIFY_H
