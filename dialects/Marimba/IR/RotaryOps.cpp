//===- RotaryOps.cpp - Rotary position embedding --------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/Verify.h"

using namespace mlir;
using namespace mlir::marimba;

//===----------------------------------------------------------------------===//
// RotaryTableOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(RotaryTableOp op) {
  return {.values = {{"past", op.getPast(), "B"},
                     {"cos", op.getCos(), "B T J"},
                     {"sin", op.getSin(), "B T J"}},
          .sizes = {{"J", static_cast<int64_t>(op.getFrequencies().size())}}};
}

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
      .check(shapesOf(*this))
      .result();
}

//===----------------------------------------------------------------------===//
// RotaryEmbeddingOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(RotaryEmbeddingOp op) {
  return {.values = {{"input", op.getInput(), "B T Hx dh"},
                     {"cos", op.getCos(), "B T J"},
                     {"sin", op.getSin(), "B T J"},
                     {"output", op.getOutput(), "B T Hx dh"}}};
}

LogicalResult RotaryEmbeddingOp::verify() {
  if (failed(verifyDestination(*this, {"output"})))
    return failure();
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this)).requireStatic("dh").requireStatic("J");
  int64_t size = shapes.get("dh"), pairs = shapes.get("J");
  shapes.require(2 * pairs <= size, "turns " + Twine(pairs) +
                                        " pairs of elements (J), expected at "
                                        "most half of a head's " +
                                        Twine(size) + " (dh)");
  return shapes.result();
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

OpWork RotaryTableOp::getWork(DynamicSize size) {
  double angles = LetterSizes(shapesOf(*this), size)("B T J");
  OpWork work;
  work.f32 = angles;
  work.exps = 2 * angles;
  return work;
}

OpWork RotaryEmbeddingOp::getWork(DynamicSize size) {
  OpWork work; // 4 products and 2 sums a pair
  work.f32 = 6 * LetterSizes(shapesOf(*this), size)("B T Hx J");
  return work;
}
