//===- OneDNNDialect.cpp - What becomes a oneDNN primitive ----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Verify.h"
#include "dialects/OneDNN/IR/OneDNN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::onednn;

#include "dialects/OneDNN/IR/OneDNNDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/OneDNN/IR/OneDNNOps.cpp.inc"

void OneDNNDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/OneDNN/IR/OneDNNOps.cpp.inc"
      >();
}

LogicalResult MatmulOp::verify() {
  if (failed(marimba::verifyDestination(*this, {"output"})))
    return failure();
  int64_t rank = cast<ShapedType>(getInput().getType()).getRank();
  if (rank != 2 && rank != 3)
    return emitOpError() << "input has rank " << rank << ", expected 2 or 3";
  marimba::ShapeChecker shapes(*this);
  shapes.check("input", getInput(), marimba::lettersWithLast(getInput(), "K"))
      .check("weight", getWeight(), "N K")
      .check("bias", getBias(), "N")
      .check("output", getInits()[0], marimba::lettersWithLast(getInput(), "N"))
      .requireStatic("N")
      .requireStatic("K");
  for (Value value : {getInput(), getInits()[0]})
    if (auto type = dyn_cast<MemRefType>(value.getType()))
      shapes.require(
          type.isLastDimUnitStride(),
          (value == getInput() ? Twine("input") : Twine("output")) +
              " is strided in its last dimension, expected stride 1");
  return shapes.result();
}

LogicalResult MatmulOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  return marimba::reifyFromInits(builder, *this, shapes);
}

void MatmulOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  marimba::getDestinationEffects(*this, effects);
}

LogicalResult MatmulOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &) {
  return marimba::foldBufferCasts(*this);
}
