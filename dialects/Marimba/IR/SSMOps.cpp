//===- SSMOps.cpp - Discretisation, recurrence, convolution ---------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/RecurrenceTiling.h"
#include "dialects/Marimba/IR/Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::marimba;

//===----------------------------------------------------------------------===//
// DiscretizeOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(DiscretizeOp op) {
  return {.values = {{"delta", op.getDelta(), "B T D"},
                     {"A", op.getA(), "N D"},
                     {"B", op.getB(), "B T N"},
                     {"u", op.getU(), "B T D"},
                     {"decay", op.getDecay(), "B T N D"},
                     {"input", op.getInput(), "B T N D"}}};
}

LogicalResult DiscretizeOp::verify() {
  return ShapeChecker(*this).check(shapesOf(*this)).result();
}

//===----------------------------------------------------------------------===//
// ScanOp
//===----------------------------------------------------------------------===//

ArrayRef<OperandShape> ScanOp::getOperandShapes() {
  static constexpr OperandShape shapes[] = {
      {"decay", "B T N D"},  {"input", "B T N D"}, {"valid", "B"},
      {"states", "B T N D"}, {"state", "B N D"},
  };
  return shapes;
}

OpShapes mlir::marimba::shapesOf(ScanOp op) { return shapesOfRecurrence(op); }

LogicalResult ScanOp::verify() {
  if (failed(verifyDestination(*this, {"states", "state"})))
    return failure();
  return ShapeChecker(*this)
      .check(shapesOf(*this))
      .requireParts(getComplex())
      .result();
}

//===----------------------------------------------------------------------===//
// ReadoutOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(ReadoutOp op) {
  return {.values = {{"states", op.getStates(), "B T N D"},
                     {"C", op.getC(), "B T N"},
                     {"D", op.getD(), "D"},
                     {"u", op.getU(), "B T D"},
                     {"result", op.getResult(), "B T D"}}};
}

LogicalResult ReadoutOp::verify() {
  if (!getD() != !getU())
    return emitOpError() << "has " << (getD() ? "D without u" : "u without D")
                         << ", expected both or none";
  return ShapeChecker(*this).check(shapesOf(*this)).result();
}

//===----------------------------------------------------------------------===//
// SelectiveScanOp
//===----------------------------------------------------------------------===//

ArrayRef<OperandShape> SelectiveScanOp::getOperandShapes() {
  static constexpr OperandShape shapes[] = {
      {"u", "B T D"},     {"delta", "B T D"},  {"A", "N D"},
      {"B", "B T N"},     {"C", "B T N"},      {"D", "D"},
      {"z", "B T D"},     {"delta_bias", "D"}, {"valid", "B"},
      {"ahead", "B T D"}, {"output", "B T D"}, {"state", "B N D"},
  };
  return shapes;
}

OpShapes mlir::marimba::shapesOf(SelectiveScanOp op) {
  return shapesOfRecurrence(op);
}

LogicalResult SelectiveScanOp::verify() {
  if (failed(verifyDestination(*this, {"output", "state"})))
    return failure();
  return ShapeChecker(*this).check(shapesOf(*this)).requireStatic("N").result();
}

int64_t SelectiveScanOp::getDInner() {
  return cast<ShapedType>(getA().getType()).getDimSize(1);
}

int64_t SelectiveScanOp::getDState() {
  return cast<ShapedType>(getA().getType()).getDimSize(0);
}

//===----------------------------------------------------------------------===//
// ScanSummaryOp
//===----------------------------------------------------------------------===//

ArrayRef<OperandShape> ScanSummaryOp::getOperandShapes() {
  static constexpr OperandShape shapes[] = {
      {"u", "B T D"}, {"delta", "B T D"}, {"A", "N D"},       {"B", "B T N"},
      {"valid", "B"}, {"state", "B N D"}, {"elapsed", "B D"},
  };
  return shapes;
}

OpShapes mlir::marimba::shapesOf(ScanSummaryOp op) {
  return shapesOfRecurrence(op);
}

LogicalResult ScanSummaryOp::verify() {
  if (failed(verifyDestination(*this, {"state", "elapsed"})))
    return failure();
  return ShapeChecker(*this).check(shapesOf(*this)).requireStatic("N").result();
}

//===----------------------------------------------------------------------===//
// CausalConv1dOp
//===----------------------------------------------------------------------===//

ArrayRef<OperandShape> CausalConv1dOp::getOperandShapes() {
  static constexpr OperandShape shapes[] = {
      {"input", "B T D"}, {"weight", "W D"},   {"bias", "D"},
      {"valid", "B"},     {"output", "B T D"}, {"state", "B W-1 D"},
  };
  return shapes;
}

OpShapes mlir::marimba::shapesOf(CausalConv1dOp op) {
  return shapesOfRecurrence(op);
}

LogicalResult CausalConv1dOp::verify() {
  if (failed(verifyDestination(*this, {"output", "state"})))
    return failure();
  ShapeChecker shapes(*this);
  shapes.check("weight", getWeight(), "W D");
  if (int64_t width = shapes.get("W"); !ShapedType::isDynamic(width)) {
    shapes.require(width > 0, "weight has width 0, expected at least 1");
    shapes.bind("W-1", width - 1,
                "one less than the weight's width " + Twine(width));
  }
  return shapes.check(shapesOf(*this)).result();
}

/// A bias of zeros adds nothing.
static LogicalResult dropZeroBias(CausalConv1dOp op,
                                  PatternRewriter &rewriter) {
  if (!op.getBias() || !matchPattern(op.getBias(), m_AnyZeroFloat()))
    return failure();
  rewriter.modifyOpInPlace(op, [&] { op.getBiasMutable().clear(); });
  return success();
}

void CausalConv1dOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                 MLIRContext *) {
  patterns.add(dropZeroBias);
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

// The exponential of an update is here where the ops are apart.
OpWork DiscretizeOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  double states = sizes("B T N D");
  OpWork work;
  switch (getRule()) {
  case DiscretizationRule::Euler: // delta A; delta u once a channel, times B
    work.updates = states;
    work.f32 = sizes("B T D");
    break;
  case DiscretizationRule::ZeroOrderHold: // delta A, - 1, / A, * B, * u
    work.updates = states;
    work.f32 = 3 * states;
    break;
  case DiscretizationRule::Bilinear: // x = delta A / 2, 1 + x, 1 - x, quotient;
    work.f32 = 8 * states;           // delta / (1 - x) * B * u
    break;
  }
  return work;
}

OpWork ScanOp::getWork(DynamicSize size) {
  // A complex product and sum are 8 for two rows.
  OpWork work;
  work.f32 =
      (getComplex() ? 4 : 2) * LetterSizes(shapesOf(*this), size)("B T N D");
  return work;
}

OpWork ReadoutOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  OpWork work;
  work.f32 = 2 * sizes("B T N D") + (getD() ? 2 * sizes("B T D") : 0);
  return work;
}

OpWork SelectiveScanOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  double channels = sizes("B T D");
  OpWork work;
  work.updates = sizes("B T N D");
  work.f32 = channels; // delta u
  if (getDeltaBias())
    work.f32 += channels;
  if (getDeltaSoftplus()) {
    work.exps += 2 * channels;
    work.f32 += 2 * channels;
  }
  if (getD())
    work.f32 += 2 * channels;
  if (getZ()) { // y * silu(z)
    work.exps += channels;
    work.f32 += 3 * channels;
  }
  return work;
}

OpWork ScanSummaryOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  OpWork work;
  work.updates = sizes("B T N D");
  work.f32 = 2 * sizes("B T D"); // delta u, s + delta
  return work;
}

OpWork CausalConv1dOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  double outputs = sizes("B T D");
  OpWork work;
  work.f32 = 2 * outputs * sizes("W");
  if (getBias())
    work.f32 += outputs;
  if (getSilu()) {
    work.exps = outputs;
    work.f32 += 2 * outputs;
  }
  return work;
}

//===----------------------------------------------------------------------===//
// Stretches of time
//===----------------------------------------------------------------------===//

bool SelectiveScanOp::canSplitTime() {
  // A softplus in the op would have to be in the summary as well.
  return !getDeltaSoftplus() && !getDeltaBias();
}

RecurrenceOpInterface SelectiveScanOp::createSummary(OpBuilder &builder,
                                                     Value step,
                                                     ValueRange empties) {
  return cast<RecurrenceOpInterface>(
      ScanSummaryOp::create(builder, getLoc(), TypeRange(empties), getU(), step,
                            getA(), getB(), getValid(), empties)
          .getOperation());
}

Value SelectiveScanOp::createStateAfter(OpBuilder &builder, Location loc,
                                        Value c, Value s, Value state) {
  AffineExpr row, n, d;
  bindDims(builder.getContext(), row, n, d);
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(3, 0, exprs, builder.getContext());
  };
  AffineMap whole = map({row, n, d});
  SmallVector<AffineMap> maps = {map({row, d}), map({n, d}), whole, whole};
  SmallVector<utils::IteratorType> kinds(3, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, state.getType(), ValueRange{s, getA(), c}, state,
             maps, kinds,
             [&](OpBuilder &nested, Location at, ValueRange x) {
               Value power = arith::MulFOp::create(nested, at, x[0], x[1]);
               Value decay = math::ExpOp::create(nested, at, power);
               Value kept = arith::MulFOp::create(nested, at, decay, x[3]);
               Value sum = arith::AddFOp::create(nested, at, kept, x[2]);
               linalg::YieldOp::create(nested, at, sum);
             })
      .getResult(0);
}
