//===- Work.cpp - The bytes that ops move ---------------------------------===//
//
// Part of Marimba. What WorkOpInterface says of an op by default. The
// operations of each op stand beside its verifier.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Quantized.h"
#include "dialects/Marimba/IR/Shapes.h"

#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace mlir::marimba;

double mlir::marimba::bytesOf(Operation *op, Value value, DynamicSize size) {
  auto type = dyn_cast<ShapedType>(value.getType());
  if (!type)
    return 0;
  if (isQuantized(type))
    return static_cast<double>(layoutOf(cast<RankedTensorType>(type)).bytes());
  OpShapes table = shapesOfOp(op);
  SmallVector<StringRef> letters = lettersOf(table, value);
  LetterSizes sizes(table, size);
  double bytes = type.getElementTypeBitWidth() / 8.0;
  for (auto [dim, known] : llvm::enumerate(type.getShape()))
    if (!ShapedType::isDynamic(known))
      bytes *= static_cast<double>(known);
    else
      bytes *= dim < letters.size() ? sizes(letters[dim]) : 1;
  return bytes;
}

double mlir::marimba::bytesMoved(Operation *op, DynamicSize size) {
  auto work = cast<WorkOpInterface>(op);
  auto destination = dyn_cast<DestinationStyleOpInterface>(op);
  double bytes = 0;
  for (OpOperand &operand : op->getOpOperands())
    bytes += destination && destination.isDpsInit(&operand)
                 ? bytesOf(op, operand.get(), size)
                 : work.getBytesRead(operand, size);
  if (!destination)
    for (Value result : op->getResults())
      bytes += bytesOf(op, result, size);
  return bytes;
}
