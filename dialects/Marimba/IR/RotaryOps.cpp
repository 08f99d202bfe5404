//===- RotaryOps.cpp - Rotary position embedding --------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/Verify.h"

using namespace mlir;
using namespace mlir::marimba;

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

//===----------------------------------------------------------------------===//
// RotaryTableOp
//===----------------------------------------------------------------------===//

LogicalResult RotaryTableOp::verify() {
  if (failed(verifyDestination(*this, {"cos", "sin"})))
    return failure();
  int64_t count = getFrequencies().size();
  if (count == 0)
    return emitOpError("has no frequencies, expected at least one");
  for (auto [j, frequency] : llvm::enumerate(getFrequencies()))
    if (!std::isfinite(frequency))
      return emitOpError() << "frequency " << j << " is "
                           << std::to_string(frequency)
                           << ", expected a finite number";
  return ShapeChecker(*this)
      .bind("J", count, "the number of frequencies")
      .check("past", getPast(), "B")
      .check("cos", getCos(), "B T J")
      .check("sin", getSin(), "B T J")
      .result();
}

LogicalResult
RotaryTableOp::reifyResultShapes(OpBuilder &builder,
                                 ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, shapes);
}

void RotaryTableOp::getEffects(Effects &effects) {
  getDestinationEffects(*this, effects);
}

LogicalResult RotaryTableOp::fold(FoldAdaptor,
                                  SmallVectorImpl<OpFoldResult> &) {
  return foldBufferCasts(*this);
}

//===----------------------------------------------------------------------===//
// RotaryEmbeddingOp
//===----------------------------------------------------------------------===//

LogicalResult RotaryEmbeddingOp::verify() {
  if (failed(verifyDestination(*this, {"output"})))
    return failure();
  ShapeChecker shapes(*this);
  shapes.check("input", getInput(), "B T Hx dh")
      .check("cos", getCos(), "B T J")
      .check("sin", getSin(), "B T J")
      .check("output", getOutput(), "B T Hx dh")
      .requireStatic("dh")
      .requireStatic("J");
  int64_t size = shapes.get("dh"), pairs = shapes.get("J");
  shapes.require(2 * pairs <= size, "turns " + Twine(pairs) +
                                        " pairs of elements (J), expected at "
                                        "most half of a head's " +
                                        Twine(size) + " (dh)");
  return shapes.result();
}

LogicalResult
RotaryEmbeddingOp::reifyResultShapes(OpBuilder &builder,
                                     ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, shapes);
}

void RotaryEmbeddingOp::getEffects(Effects &effects) {
  getDestinationEffects(*this, effects);
}

LogicalResult RotaryEmbeddingOp::fold(FoldAdaptor,
                                      SmallVectorImpl<OpFoldResult> &) {
  return foldBufferCasts(*this);
}
