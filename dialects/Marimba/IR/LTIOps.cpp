//===- LTIOps.cpp - Linear time-invariant systems: S4, S4D ----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/RecurrenceTiling.h"
#include "dialects/Marimba/IR/Verify.h"

using namespace mlir;
using namespace mlir::marimba;

//===----------------------------------------------------------------------===//
// DiscretizeLTIOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(DiscretizeLTIOp op) {
  return {.values = {{"dt", op.getDt(), "D"},
                     {"A", op.getA(), "N D"},
                     {"B", op.getB(), "N D"},
                     {"decay", op.getDecay(), "N D"},
                     {"gain", op.getGain(), "N D"}}};
}

LogicalResult DiscretizeLTIOp::verify() {
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this));
  return shapes.requireParts(getComplex()).result();
}

//===----------------------------------------------------------------------===//
// LTIPowersOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(LTIPowersOp op) {
  return {.values = {{"input", op.getInput(), "N D"},
                     {"decay", op.getDecay(), "N D"},
                     {"result", op.getResult(), "L N D"}}};
}

LogicalResult LTIPowersOp::verify() {
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this)).requireStatic("L");
  return shapes.requireParts(getComplex()).result();
}

//===----------------------------------------------------------------------===//
// LTIKernelOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(LTIKernelOp op) {
  return {.values = {{"C", op.getC(), "N D"},
                     {"powers", op.getPowers(), "L N D"},
                     {"result", op.getResult(), "L D"}}};
}

LogicalResult LTIKernelOp::verify() {
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this));
  return shapes.requireParts(getComplex()).result();
}

//===----------------------------------------------------------------------===//
// LTIScanOp
//===----------------------------------------------------------------------===//

ArrayRef<OperandShape> LTIScanOp::getOperandShapes() {
  static constexpr OperandShape shapes[] = {
      {"u", "B T D"}, {"decay", "N D"}, {"gain", "N D"},     {"C", "N D"},
      {"D", "D"},     {"valid", "B"},   {"output", "B T D"}, {"state", "B N D"},
  };
  return shapes;
}

OpShapes mlir::marimba::shapesOf(LTIScanOp op) {
  return shapesOfRecurrence(op);
}

LogicalResult LTIScanOp::verify() {
  if (failed(verifyDestination(*this, {"output", "state"})))
    return failure();
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this)).requireStatic("N");
  return shapes.requireParts(getComplex()).result();
}

//===----------------------------------------------------------------------===//
// LongConvolutionOp
//===----------------------------------------------------------------------===//

ArrayRef<OperandShape> LongConvolutionOp::getOperandShapes() {
  static constexpr OperandShape shapes[] = {
      {"u", "B T D"},      {"kernel", "L D"},    {"decay", "N D"},
      {"inject", "L N D"}, {"readout", "L N D"}, {"D", "D"},
      {"valid", "B"},      {"output", "B T D"},  {"state", "B N D"},
  };
  return shapes;
}

OpShapes mlir::marimba::shapesOf(LongConvolutionOp op) {
  return shapesOfRecurrence(op);
}

LogicalResult LongConvolutionOp::verify() {
  if (failed(verifyDestination(*this, {"output", "state"})))
    return failure();
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this))
      .requireStatic("N")
      .requireStatic("L")
      .require(shapes.get("L") > 0,
               "L is 0, expected a block of at least one token");
  return shapes.requireParts(getComplex()).result();
}

int64_t LongConvolutionOp::getBlockLength() {
  return cast<ShapedType>(getKernel().getType()).getDimSize(0);
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

// Of two rows of a complex tensor, a real and an imaginary part: a product is 6
// operations, a quotient 11, an exponential 3 functions (exp, cos, sin) and 2
// products.

OpWork DiscretizeLTIOp::getWork(DynamicSize size) {
  double states = LetterSizes(shapesOf(*this), size)("N D");
  double pairs = states / 2;
  OpWork work;
  switch (getRule()) {
  case DiscretizationRule::Euler: // exp(dt A); dt B
    work.exps = getComplex() ? 3 * pairs : states;
    work.f64 = getComplex() ? (2 + 2 + 2) * pairs : 2 * states;
    break;
  case DiscretizationRule::ZeroOrderHold: // ... - 1, / A, * B
    work.exps = getComplex() ? 3 * pairs : states;
    work.f64 = getComplex() ? (2 + 2 + 1 + 11 + 6) * pairs : 4 * states;
    break;
  case DiscretizationRule::Bilinear: // x = dt A / 2, 1 + x, 1 - x, quotient;
    // dt B / (1 - x)
    work.f64 = getComplex() ? (4 + 2 + 11 + 2 + 11) * pairs : 7 * states;
    break;
  }
  return work;
}

OpWork LTIPowersOp::getWork(DynamicSize size) {
  double elements = LetterSizes(shapesOf(*this), size)("L N D");
  OpWork work; // each from the one before
  work.f32 = getComplex() ? 3 * elements : elements;
  return work;
}

OpWork LTIKernelOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  OpWork work; // 2 Re(...) needs 4 for a pair, and is doubled at the end
  work.f32 = 2 * sizes("L N D") + (getComplex() ? sizes("L D") : 0);
  return work;
}

OpWork LTIScanOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  double states = sizes("B T N D"), outputs = sizes("B T D");
  OpWork work;
  // decay h, gain u, their sum and C h summed up: for a pair 6 + 2 + 2 + 4.
  work.f32 = getComplex() ? 7 * states + outputs : 5 * states;
  if (getD())
    work.f32 += 2 * outputs;
  return work;
}

OpWork LongConvolutionOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  double outputs = sizes("B T D"), states = sizes("B T N D");
  double length = sizes("L");
  OpWork work;
  // Token t of a block sees t + 1 inputs.
  work.f32 = (length + 1) * outputs;
  // What the state before brings to each token, and each token to the state.
  work.f32 += 4 * states + (getComplex() ? outputs : 0);
  // decay^L h, once a block.
  work.f32 += (getComplex() ? 4 : 2) * states / length;
  if (getD())
    work.f32 += 2 * outputs;
  return work;
}
