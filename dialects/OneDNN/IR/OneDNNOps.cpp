//===- OneDNNOps.cpp - Post-ops, verifiers, folders -----------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/PostOps.h"
#include "dialects/Marimba/IR/Quantized.h"
#include "dialects/OneDNN/IR/OneDNN.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::onednn;
using mlir::marimba::parsePostOps;
using mlir::marimba::printPostOps;
using mlir::marimba::requireUnitStride;

#define GET_OP_CLASSES
#include "dialects/OneDNN/IR/OneDNNOps.cpp.inc"

//===----------------------------------------------------------------------===//
// MatmulOp
//===----------------------------------------------------------------------===//

void MatmulOp::build(OpBuilder &builder, OperationState &state, Value input,
                     Value weight, Value bias, Value init) {
  SmallVector<Type> results;
  if (isa<RankedTensorType>(init.getType()))
    results.push_back(init.getType());
  build(builder, state, results, input, weight, bias, /*postOperands=*/{},
        ValueRange{init}, builder.getArrayAttr({}), UnitAttr());
}

static LogicalResult verifyRank(Operation *op, Value input) {
  int64_t rank = cast<ShapedType>(input.getType()).getRank();
  if (rank == 2 || rank == 3)
    return success();
  return op->emitOpError() << "input has rank " << rank << ", expected 2 or 3";
}

LogicalResult MatmulOp::verify() {
  if (failed(marimba::verifyDestination(*this, {"output"})) ||
      failed(verifyRank(*this, getInput())))
    return failure();
  Value output = getInits()[0];
  std::string outputLetters = marimba::lettersWithLast(getInput(), "N");
  marimba::ShapeChecker shapes(*this);
  shapes.check("input", getInput(), marimba::lettersWithLast(getInput(), "K"))
      .check("weight", getWeight(), getComputed() ? "K N" : "N K")
      .check("bias", getBias(), "N")
      .check("output", output, outputLetters)
      .requireStatic("N")
      .requireStatic("K");
  requireUnitStride(shapes, "input", getInput());
  requireUnitStride(shapes, "output", output);
  Type x = getElementTypeOrSelf(getInput().getType());
  Type y = getElementTypeOrSelf(output.getType());
  Type w = getElementTypeOrSelf(getWeight().getType());
  shapes
      .require(y.isF32() || x.isBF16(),
               "output is bf16 with an f32 input, expected f32")
      .require(!getComputed() || w == x,
               "weight is computed and has other elements than the input, "
               "expected the same")
      .require(!w.isInteger() || marimba::isQuantized(getWeight().getType()),
               "weight is of integers without #marimba.quantized");
  marimba::checkPostOps(*this, shapes, outputLetters);
  return shapes.result();
}

//===----------------------------------------------------------------------===//
// IntegerMatmulOp
//===----------------------------------------------------------------------===//

LogicalResult IntegerMatmulOp::verify() {
  if (failed(marimba::verifyDestination(*this, {"output"})) ||
      failed(verifyRank(*this, getInput())))
    return failure();
  if (!marimba::isQuantized(getStored()))
    return emitOpError() << "reads its weight as " << getStored()
                         << ", expected a quantised tensor";
  auto layout = marimba::layoutOf(cast<RankedTensorType>(getStored()));
  marimba::ShapeChecker shapes(*this);
  shapes
      .require(layout.encoding.bits == 8,
               "weight has codes of 4 bits, expected 8")
      .require(layout.matrices == 1 || getMatrix(),
               "reads a stack of matrices, expected the index of one")
      .bind("N", layout.channels, "channels of the weight")
      .bind("KP", layout.depth, "padded inputs of the weight")
      .check("input", getInput(), marimba::lettersWithLast(getInput(), "KP"))
      .check("output", getInits()[0],
             marimba::lettersWithLast(getInput(), "N"));
  requireUnitStride(shapes, "input", getInput());
  requireUnitStride(shapes, "output", getInits()[0]);
  return shapes.result();
}

//===----------------------------------------------------------------------===//
// ReorderOp
//===----------------------------------------------------------------------===//

LogicalResult ReorderOp::verify() {
  if (failed(marimba::verifyDestination(*this, {"output"})) ||
      failed(verifyRank(*this, getInput())))
    return failure();
  std::string letters = marimba::lettersWithLast(getInput(), "N");
  marimba::ShapeChecker shapes(*this);
  shapes.check("input", getInput(), letters)
      .check("output", getInits()[0], letters)
      .requireStatic("N");
  requireUnitStride(shapes, "input", getInput());
  requireUnitStride(shapes, "output", getInits()[0]);
  return shapes.result();
}
