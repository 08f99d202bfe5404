//===- Verify.cpp - What verifiers of destination ops share ---------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Verify.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::marimba;

//===----------------------------------------------------------------------===//
// ShapeChecker
//===----------------------------------------------------------------------===//

ShapeChecker &ShapeChecker::check(StringRef name, Value value,
                                  StringRef letters) {
  if (failed || !value)
    return *this;
  SmallVector<StringRef> expected;
  letters.split(expected, ' ', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  auto type = cast<ShapedType>(value.getType());
  if (type.getRank() != static_cast<int64_t>(expected.size())) {
    op->emitOpError() << name << " has rank " << type.getRank() << ", expected "
                      << expected.size() << ": [" << llvm::join(expected, ", ")
                      << "]";
    failed = true;
    return *this;
  }
  for (auto [dim, letter] : llvm::enumerate(expected)) {
    int64_t size = type.getDimSize(dim);
    if (ShapedType::isDynamic(size))
      continue;
    auto [it, isNew] = bindings.try_emplace(letter);
    Binding &binding = it->second;
    if (isNew) {
      binding.size = size;
      binding.why = ("dimension " + Twine(dim) + " of " + name).str();
      continue;
    }
    if (binding.size == size)
      continue;
    op->emitOpError() << name << " has size " << size << " in dimension " << dim
                      << " (" << letter << "), expected " << binding.size
                      << ": " << binding.why;
    failed = true;
    return *this;
  }
  return *this;
}

ShapeChecker &ShapeChecker::bind(StringRef letter, int64_t size,
                                 const Twine &why) {
  if (!ShapedType::isDynamic(size))
    bindings.try_emplace(letter, Binding{size, why.str()});
  return *this;
}

ShapeChecker &ShapeChecker::require(bool holds, const Twine &message) {
  if (!failed && !holds) {
    op->emitOpError() << message;
    failed = true;
  }
  return *this;
}

ShapeChecker &ShapeChecker::requireParts(bool complex) {
  if (!complex)
    return *this;
  return requireStatic("N").require(
      get("N") % 2 == 0,
      "N is " + Twine(get("N")) +
          ", expected an even number: real parts, then imaginary parts");
}

int64_t ShapeChecker::get(StringRef letter) const {
  auto it = bindings.find(letter);
  return it == bindings.end() ? ShapedType::kDynamic : it->second.size;
}

std::string mlir::marimba::lettersWithLast(Value value, StringRef last) {
  std::string letters;
  int64_t rank = cast<ShapedType>(value.getType()).getRank();
  for (int64_t dim = 0; dim + 1 < rank; ++dim)
    letters += "d" + std::to_string(dim) + " ";
  return letters + last.str();
}

std::string mlir::marimba::lettersOfRank(Value value) {
  if (cast<ShapedType>(value.getType()).getRank() == 0)
    return {};
  return lettersWithLast(value, "last");
}

//===----------------------------------------------------------------------===//
// Destination style
//===----------------------------------------------------------------------===//

LogicalResult mlir::marimba::verifyDestination(DestinationStyleOpInterface op,
                                               ArrayRef<StringRef> inits) {
  if (op.getDpsInits().size() != inits.size())
    return op->emitOpError()
           << "has " << op.getDpsInits().size() << " destinations, expected "
           << inits.size() << ": " << llvm::join(inits, ", ");
  bool onTensors = op.hasPureTensorSemantics();
  if (!onTensors && !op.hasPureBufferSemantics())
    return op->emitOpError(
        "has tensors and memrefs as operands, expected only one of the two");
  size_t results = onTensors ? inits.size() : 0;
  if (op->getNumResults() != results)
    return op->emitOpError() << "has " << op->getNumResults()
                             << " results, expected " << results << ": "
                             << (onTensors ? "one for each destination tensor"
                                           : "none on memrefs");
  return success();
}

LogicalResult mlir::marimba::verifyPositive(Operation *op, StringRef name,
                                            const APFloat &value) {
  if (value.isFinite() && !value.isNegative() && !value.isZero())
    return success();
  SmallString<16> text;
  value.toString(text);
  return op->emitOpError() << name << " is " << text
                           << ", expected a finite number above zero";
}

LogicalResult mlir::marimba::reifyFromInits(
    OpBuilder &builder, DestinationStyleOpInterface op,
    SmallVectorImpl<SmallVector<OpFoldResult>> &shapes) {
  if (!op.hasPureTensorSemantics())
    return failure();
  for (Value init : op.getDpsInits())
    shapes.push_back(tensor::getMixedSizes(builder, op.getLoc(), init));
  return success();
}

void mlir::marimba::getDestinationEffects(
    DestinationStyleOpInterface op,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<BaseMemRefType>(operand.get().getType()))
      continue;
    effects.emplace_back(MemoryEffects::Read::get(), &operand,
                         SideEffects::DefaultResource::get());
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand,
                           SideEffects::DefaultResource::get());
  }
}

LogicalResult mlir::marimba::foldBufferCasts(DestinationStyleOpInterface op) {
  bool folded = false;
  for (OpOperand &operand : op->getOpOperands()) {
    auto cast = operand.get().getDefiningOp<memref::CastOp>();
    if (!cast || !memref::CastOp::canFoldIntoConsumerOp(cast))
      continue;
    operand.set(cast.getSource());
    folded = true;
  }
  return success(folded);
}

LogicalResult mlir::marimba::reifyByLetters(
    OpBuilder &builder, Operation *op, const OpShapes &table,
    SmallVectorImpl<SmallVector<OpFoldResult>> &shapes) {
  for (OpResult result : op->getResults()) {
    SmallVector<StringRef> letters = lettersOf(table, result);
    auto type = cast<ShapedType>(result.getType());
    if (static_cast<int64_t>(letters.size()) != type.getRank())
      return failure();
    SmallVector<OpFoldResult> shape;
    for (auto [dim, letter] : llvm::enumerate(letters)) {
      if (!type.isDynamicDim(dim)) {
        shape.push_back(builder.getIndexAttr(type.getDimSize(dim)));
        continue;
      }
      OpFoldResult size;
      for (const NamedShape &row : table.values) {
        if (!row.value || row.value.getDefiningOp() == op)
          continue;
        SmallVector<StringRef> places = lettersOf(table, row.value);
        auto *at = llvm::find(places, letter);
        if (at == places.end())
          continue;
        size = tensor::getMixedSize(builder, op->getLoc(), row.value,
                                    at - places.begin());
        break;
      }
      if (!size)
        return failure();
      shape.push_back(size);
    }
    shapes.push_back(std::move(shape));
  }
  return success();
}
