//===- ContractionOps.cpp - Matmuls of generated kernels ------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/PostOps.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::marimba;

//===----------------------------------------------------------------------===//
// PackedMatmulOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(PackedMatmulOp op) {
  Value input = op.getInput();
  return {
      .values = {{"input", input, lettersWithLast(input, "K")},
                 {"weight", op.getWeight(), "N K"},
                 {"bias", op.getBias(), "N"},
                 {"output", op.getInits()[0], lettersWithLast(input, "N")}}};
}

LogicalResult PackedMatmulOp::verify() {
  if (failed(verifyDestination(*this, {"output"})))
    return failure();
  int64_t rank = cast<ShapedType>(getInput().getType()).getRank();
  if (rank != 2 && rank != 3)
    return emitOpError() << "input has rank " << rank << ", expected 2 or 3";
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this)).requireStatic("N").requireStatic("K");
  requireUnitStride(shapes, "input", getInput());
  requireUnitStride(shapes, "output", getInits()[0]);
  checkPostOps(*this, shapes, lettersWithLast(getInput(), "N"));
  bool known = getPacked().isF32() || getPacked().isBF16();
  bool rounded = getElementTypeOrSelf(getInput().getType()).isBF16();
  return shapes.require(known, "packed is neither f32 nor bf16")
      .require(!rounded || getPacked().isBF16(),
               "input is bf16 with weights packed as f32, expected f32")
      .result();
}

WeightOperand PackedMatmulOp::getWeightOperand(OpOperand &operand) {
  if (&operand != &getWeightMutable())
    return {};
  return {.role = WeightRole::Projection};
}

OpWork PackedMatmulOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  double outputs = sizes(lettersWithLast(getInput(), "N"));
  OpWork work;
  work.products.push_back({getWeight(), 2 * outputs * sizes("K")});
  if (getBias())
    work.f32 += outputs;
  work.f32 += outputs * static_cast<double>(getPostOps().size());
  return work;
}

//===----------------------------------------------------------------------===//
// PackedEmbeddingOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(PackedEmbeddingOp op) {
  return {.values = {{"ids", op.getIds(), "B T"},
                     {"table", op.getWeight(), "N K"},
                     {"output", op.getInits()[0], "B T K"}},
          .indices = {{"ids", op.getIds(), "N"}}};
}

LogicalResult PackedEmbeddingOp::verify() {
  if (failed(verifyDestination(*this, {"output"})))
    return failure();
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this)).requireStatic("N").requireStatic("K");
  requireUnitStride(shapes, "output", getInits()[0]);
  Type stored = getElementTypeOrSelf(getWeight().getType());
  return shapes
      .require(getPacked().isF32() || (getPacked().isBF16() && stored.isBF16()),
               "packed is neither f32 nor what the table holds, bf16")
      .result();
}

WeightOperand PackedEmbeddingOp::getWeightOperand(OpOperand &operand) {
  if (&operand != &getWeightMutable())
    return {};
  return {.role = WeightRole::Table};
}

OpWork PackedEmbeddingOp::getWork(DynamicSize) { return {}; }

/// A row a token.
double PackedEmbeddingOp::getBytesRead(OpOperand &operand, DynamicSize size) {
  double bytes = bytesOf(*this, operand.get(), size);
  if (&operand != &getWeightMutable())
    return bytes;
  LetterSizes sizes(shapesOf(*this), size);
  return bytes * std::min(1.0, sizes("B T") / sizes("N"));
}
