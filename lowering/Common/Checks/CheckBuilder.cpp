//===- CheckBuilder.cpp - Sizes of values, and checks of them ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/Checks/CheckBuilder.h"

#include "dialects/Runtime/IR/Runtime.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace mlir::marimba;

/// More elements than any memory has, and few enough that two such numbers of
/// bytes can be added.
static constexpr int64_t kMostElements = int64_t(1) << 46;

void CheckBuilder::startAt(Operation *next) {
  op = next;
  b.setInsertionPoint(op);
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// The tensor whose sizes `value` has because of what makes it, or null.
static Value sameSizes(OpResult value) {
  Operation *op = value.getOwner();
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return destination.getTiedOpOperand(value)->get();
  if (op->hasTrait<OpTrait::Elementwise>())
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType()))
        return operand;
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return cast.getSource();
  return {};
}

OpFoldResult CheckBuilder::sizeOf(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return b.getIndexAttr(type.getDimSize(dim));
  auto known = sizes.find({tensor, dim});
  if (known != sizes.end())
    return known->second;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfterValue(tensor);
  Location loc = tensor.getLoc();
  OpFoldResult result;
  if (auto opResult = dyn_cast<OpResult>(tensor)) {
    Operation *owner = opResult.getOwner();
    ReifiedRankedShapedTypeDims shapes;
    if (Value source = sameSizes(opResult)) {
      result = sizeOf(source, dim);
    } else if (auto reifies = dyn_cast<ReifyRankedShapedTypeOpInterface>(owner);
               reifies && succeeded(reifies.reifyResultShapes(b, shapes))) {
      result = shapes[opResult.getResultNumber()][dim];
      // Reified sizes are dimensions of operands: go on with those.
      if (auto value = dyn_cast<Value>(result))
        if (auto dimOp = value.getDefiningOp<tensor::DimOp>())
          if (std::optional<int64_t> constant = dimOp.getConstantIndex();
              constant && *constant >= 0 &&
              *constant <
                  cast<RankedTensorType>(dimOp.getSource().getType()).getRank())
            result = sizeOf(dimOp.getSource(), *constant);
    }
  }
  if (!result)
    result = tensor::DimOp::create(b, loc, tensor, dim).getResult();
  sizes[{tensor, dim}] = result;
  return result;
}

/// Where sizes come from: the argument of a function or what no op keeps.
static Value originOf(Value tensor) {
  while (true) {
    Value source;
    if (auto result = dyn_cast<OpResult>(tensor))
      source = sameSizes(result);
    else if (auto arg = cast<BlockArgument>(tensor);
             auto loop =
                 dyn_cast<LoopLikeOpInterface>(arg.getOwner()->getParentOp()))
      if (OpOperand *init = loop.getTiedLoopInit(arg))
        source = init->get();
    if (!source)
      return tensor;
    tensor = source;
  }
}

/// Where the value is an argument of an entry: " (argument 'x')".
static std::string argumentName(Value tensor) {
  auto arg = dyn_cast<BlockArgument>(originOf(tensor));
  auto func = arg ? dyn_cast<func::FuncOp>(arg.getOwner()->getParentOp())
                  : func::FuncOp();
  if (func)
    for (StringRef kind : {kInputAttr, kStateAttr, kOutputAttr, kWeightAttr})
      if (auto name =
              func.getArgAttrOfType<StringAttr>(arg.getArgNumber(), kind))
        return (" (argument '" + name.getValue() + "')").str();
  return {};
}

Size CheckBuilder::size(StringRef name, Value tensor, int64_t dim) {
  OpFoldResult value = sizeOf(tensor, dim);
  // A size that was found further up is the better hint.
  if (auto found = dyn_cast<Value>(value))
    if (auto dimOp = found.getDefiningOp<tensor::DimOp>())
      tensor = dimOp.getSource();
  return {
      value,
      ("dimension " + Twine(dim) + " of " + name + argumentName(tensor)).str()};
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value CheckBuilder::constant(int64_t value) {
  return arith::ConstantIndexOp::create(b, loc(), value);
}

Value CheckBuilder::index(OpFoldResult value) {
  return getValueOrCreateConstantIndexOp(b, loc(), value);
}

Value CheckBuilder::add(OpFoldResult x, OpFoldResult y) {
  return arith::AddIOp::create(b, loc(), index(x), index(y));
}

Value CheckBuilder::sub(OpFoldResult x, OpFoldResult y) {
  return arith::SubIOp::create(b, loc(), index(x), index(y));
}

Value CheckBuilder::mul(OpFoldResult x, OpFoldResult y) {
  return arith::MulIOp::create(b, loc(), index(x), index(y));
}

Value CheckBuilder::both(Value x, Value y) {
  return arith::AndIOp::create(b, loc(), x, y);
}

Value CheckBuilder::either(Value x, Value y) {
  return arith::OrIOp::create(b, loc(), x, y);
}

Value CheckBuilder::compare(unsigned predicate, OpFoldResult x,
                            OpFoldResult y) {
  return arith::CmpIOp::create(b, loc(),
                               static_cast<arith::CmpIPredicate>(predicate),
                               index(x), index(y));
}

Value CheckBuilder::atMost(OpFoldResult x, OpFoldResult y) {
  return compare(unsigned(arith::CmpIPredicate::sle), x, y);
}

Value CheckBuilder::less(OpFoldResult x, OpFoldResult y) {
  return compare(unsigned(arith::CmpIPredicate::slt), x, y);
}

Value CheckBuilder::equal(OpFoldResult x, OpFoldResult y) {
  return compare(unsigned(arith::CmpIPredicate::eq), x, y);
}

Value CheckBuilder::inRange(OpFoldResult value, OpFoldResult least,
                            OpFoldResult end) {
  return both(atMost(least, value), less(value, end));
}

std::pair<Value, Value> CheckBuilder::product(ArrayRef<OpFoldResult> factors) {
  // Sizes of 0 count as 1 until the end: the order of factors has no part.
  Value total = constant(1), one = constant(1);
  Value good = arith::ConstantIntOp::create(b, loc(), 1, 1), empty;
  for (OpFoldResult factor : factors) {
    Value size = index(factor);
    Value isZero = equal(size, b.getIndexAttr(0));
    empty = empty ? either(empty, isZero) : isZero;
    Value atLeastOne = arith::SelectOp::create(b, loc(), isZero, one, size);
    // Not good stays not good: the product may wrap then, and nobody reads it.
    Value safe = arith::MaxSIOp::create(b, loc(), total, one);
    Value room =
        arith::DivSIOp::create(b, loc(), constant(kMostElements), safe);
    good = both(good, inRange(atLeastOne, b.getIndexAttr(1),
                              add(room, b.getIndexAttr(1))));
    total = mul(total, atLeastOne);
  }
  if (empty)
    total = arith::SelectOp::create(b, loc(), empty, constant(0), total);
  return {total, good};
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

std::string mlir::marimba::placeOf(Location location) {
  auto place = location->findInstanceOf<FileLineColLoc>();
  if (!place)
    return {};
  return (place.getFilename().getValue() + ":" + Twine(place.getLine()) + ":" +
          Twine(place.getColumn()) + ": ")
      .str();
}

void CheckBuilder::require(Value condition, const Twine &message,
                           ArrayRef<OpFoldResult> values) {
  if (matchPattern(condition, m_One()))
    return;
  std::string text = placeOf(loc()) + op->getName().getStringRef().str() +
                     ": " + message.str();
  SmallVector<Value> indices;
  for (OpFoldResult value : values)
    indices.push_back(index(value));
  rt::CheckOp::create(b, loc(), /*call_context=*/Value(), condition, text,
                      indices);
}

void CheckBuilder::requireEqual(const Size &found, const Size &expected) {
  if (found.value == expected.value)
    return;
  if (getConstantIntValue(found.value)) {
    if (!getConstantIntValue(expected.value)) // what is known is expected
      requireEqual(expected, found);
    return; // both: a verifier's matter
  }
  require(equal(found.value, expected.value),
          found.name + " is {0}, expected {1}: " + expected.name,
          {found.value, expected.value});
}

void CheckBuilder::requireIndex(StringRef what, OpFoldResult value,
                                const Size &size) {
  std::optional<int64_t> known = getConstantIntValue(value);
  std::optional<int64_t> end = getConstantIntValue(size.value);
  if (known && end && *known >= 0 && *known < *end)
    return;
  require(inRange(value, b.getIndexAttr(0), size.value),
          what + " is {0}, expected at least 0 and less than {1}: " + size.name,
          {value, size.value});
}

Value mlir::marimba::asIndex(OpBuilder &b, Location loc, Value element) {
  if (element.getType().isIndex())
    return element;
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), element);
}

void CheckBuilder::forEach(Value values,
                           llvm::function_ref<void(Value, ValueRange)> check) {
  auto type = dyn_cast<RankedTensorType>(values.getType());
  if (!type) {
    check(values, {});
    return;
  }
  SmallVector<Value> ends;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    ends.push_back(index(sizeOf(values, dim)));
  Value zero = constant(0), one = constant(1);
  SmallVector<Value> place;
  OpBuilder::InsertionGuard guard(b);
  for (Value end : ends) {
    auto loop = scf::ForOp::create(b, loc(), zero, end, one);
    place.push_back(loop.getInductionVar());
    b.setInsertionPointToStart(loop.getBody());
  }
  check(tensor::ExtractOp::create(b, loc(), values, place), place);
}
