//===- MoEOps.cpp - Mixture of experts ------------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/PostOps.h"
#include "dialects/Marimba/IR/Verify.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::marimba;

/// K of the E experts are chosen.
static void requireTopK(ShapeChecker &shapes) {
  int64_t k = shapes.get("K"), experts = shapes.get("E");
  if (ShapedType::isDynamic(k))
    return;
  shapes.require(k > 0, "chooses 0 experts (K), expected at least 1");
  if (!ShapedType::isDynamic(experts))
    shapes.require(k <= experts, "chooses " + Twine(k) +
                                     " experts (K), expected at most the " +
                                     Twine(experts) + " there are (E)");
}

/// Binds "R*K", the number of chosen pairs.
static void bindPairs(ShapeChecker &shapes, int64_t rows, int64_t k) {
  if (!ShapedType::isDynamic(rows) && !ShapedType::isDynamic(k))
    shapes.bind("R*K", rows * k,
                Twine(rows) + " rows with " + Twine(k) + " experts each");
}

/// The attribute `top_k` of the ops that move rows.
static LogicalResult verifyTopK(Operation *op, int64_t k) {
  if (k > 0)
    return success();
  return op->emitOpError() << "top_k is " << k << ", expected at least 1";
}

//===----------------------------------------------------------------------===//
// RouteOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(RouteOp op) {
  return {.values = {{"logits", op.getLogits(), "B T E"},
                     {"bias", op.getBias(), "E"},
                     {"weights", op.getWeights(), "B T K"},
                     {"experts", op.getExperts(), "B T K"}},
          .atMost = {{"K", "E"}}};
}

/// Whole groups of two experts or more, and enough of them for the K chosen.
static void requireGroups(ShapeChecker &shapes, int64_t groups, int64_t best) {
  shapes
      .require(groups >= 1,
               "groups is " + Twine(groups) + ", expected at least 1")
      .require(best >= 1 && best <= std::max<int64_t>(groups, 1),
               "top_groups is " + Twine(best) +
                   ", expected at least 1 and at most groups (" +
                   Twine(groups) + ")");
  int64_t experts = shapes.get("E"), k = shapes.get("K");
  if (groups <= 1 || ShapedType::isDynamic(experts))
    return;
  shapes.require(experts % groups == 0 && experts / groups >= 2,
                 "has " + Twine(groups) + " groups of " + Twine(experts) +
                     " experts (E), expected groups of equal size, of at least "
                     "2 experts");
  int64_t open = experts / groups * best;
  shapes.require(ShapedType::isDynamic(k) || k <= open,
                 "chooses " + Twine(k) + " experts (K), expected at most the " +
                     Twine(open) + " of " + Twine(best) + " groups");
}

LogicalResult RouteOp::verify() {
  if (failed(verifyDestination(*this, {"weights", "experts"})))
    return failure();
  if (!getElementTypeOrSelf(getWeights()).isF32())
    return emitOpError() << "weights has type " << getWeights().getType()
                         << ", expected elements of f32";
  if (!getElementTypeOrSelf(getExperts()).isInteger(32))
    return emitOpError() << "experts has type " << getExperts().getType()
                         << ", expected elements of i32";
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this)).requireStatic("E").requireStatic("K");
  requireTopK(shapes);
  requireGroups(shapes, static_cast<int64_t>(getGroups()),
                static_cast<int64_t>(getTopGroups()));
  shapes.require(getNormalize() || getEpsilon().isZero(),
                 "has an epsilon without normalize, expected both or none");
  if (failed(shapes.result()))
    return failure();
  if (!getEpsilon().isZero() &&
      failed(verifyPositive(*this, "epsilon", getEpsilon())))
    return failure();
  return verifyPositive(*this, "scale", getScale());
}

//===----------------------------------------------------------------------===//
// ExpertsOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(ExpertsOp op) {
  // Verified after their number.
  if (op.getMatrices().size() < 2)
    return {};
  return {.values = {{"input", op.getInput(), "B T H"},
                     {"weights", op.getWeights(), "B T K"},
                     {"experts", op.getExperts(), "B T K"},
                     {"gate", op.getGate(), "E I H"},
                     {"up", op.getUp(), "E I H"},
                     {"down", op.getDown(), "E H I"},
                     {"result", op.getResult(), "B T H"}},
          .atMost = {{"K", "E"}},
          .indices = {{"experts", op.getExperts(), "E"}}};
}

LogicalResult ExpertsOp::verify() {
  if (size_t count = getMatrices().size(); count != 2 && count != 3)
    return emitOpError() << "has " << count
                         << " matrices, expected gate, up and down, or up and "
                            "down";
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this))
      .requireStatic("E")
      .requireStatic("I")
      .requireStatic("H")
      .requireStatic("K");
  requireTopK(shapes);
  return shapes.result();
}

//===----------------------------------------------------------------------===//
// GroupByExpertOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(GroupByExpertOp op) {
  return {.values = {{"experts", op.getExperts(), "R K"},
                     {"offsets", op.getOffsets(), "E+1"},
                     {"pairs", op.getPairs(), "R*K"},
                     {"order", op.getOrder(), "E"}},
          .indices = {{"experts", op.getExperts(), "E+1", /*offset=*/-1}}};
}

LogicalResult GroupByExpertOp::verify() {
  SmallVector<StringRef> destinations = {"pairs", "offsets"};
  if (getInits().size() > 2)
    destinations.push_back("order");
  if (failed(verifyDestination(*this, destinations)))
    return failure();
  ShapeChecker shapes(*this);
  shapes.check("experts", getExperts(), "R K")
      .check("offsets", getOffsets(), "E+1");
  bindPairs(shapes, shapes.get("R"), shapes.get("K"));
  if (int64_t ends = shapes.get("E+1"); !ShapedType::isDynamic(ends))
    shapes
        .require(ends >= 2, "offsets has size " + Twine(ends) +
                                ", expected at least 2: one expert more")
        .bind("E", ends - 1, "one less than offsets");
  return shapes.check("order", getOrder(), "E")
      .check("pairs", getPairs(), "R*K")
      .result();
}

//===----------------------------------------------------------------------===//
// GroupedMatmulOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(GroupedMatmulOp op) {
  return {.values = {{"input", op.getInput(), "R D"},
                     {"up", op.getUp(), "E N D"},
                     {"gate", op.getGate(), "E N D"},
                     {"pairs", op.getPairs(), "G"},
                     {"offsets", op.getOffsets(), "E+1"},
                     {"order", op.getOrder(), "E"},
                     {"output", op.getInits()[0], "G N"}},
          .indices = {{"pairs", op.getPairs(), "G"},
                      {"pairs", op.getPairs(), "R", /*offset=*/0,
                       /*factor=*/static_cast<int64_t>(op.getTopK())},
                      {"offsets", op.getOffsets(), "G", /*offset=*/1},
                      {"order", op.getOrder(), "E"}}};
}

LogicalResult GroupedMatmulOp::verify() {
  if (failed(verifyDestination(*this, {"output"})) ||
      failed(verifyTopK(*this, getTopK())))
    return failure();
  ShapeChecker shapes(*this);
  shapes.check("up", getUp(), "E N D")
      .requireStatic("E")
      .requireStatic("N")
      .requireStatic("D");
  if (int64_t experts = shapes.get("E"); !ShapedType::isDynamic(experts))
    shapes.bind("E+1", experts + 1, "one more than E");
  shapes.check(shapesOf(*this))
      .require(!getGate() || !getRelu2(),
               "has a gate and relu2, expected one of them or none");
  requireUnitStride(shapes, "input", getInput());
  requireUnitStride(shapes, "output", getInits()[0]);
  return shapes.result();
}

WeightOperand GroupedMatmulOp::getWeightOperand(OpOperand &operand) {
  if (operand.get() != getUp() && operand.get() != getGate())
    return {};
  return {.role = WeightRole::Projection};
}

//===----------------------------------------------------------------------===//
// GatherRowsOp, ScatterAddRowsOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(GatherRowsOp op) {
  return {.values = {{"input", op.getInput(), "R H"},
                     {"pairs", op.getPairs(), "G"},
                     {"output", op.getInits()[0], "P H"}},
          .atMost = {{"G", "P"}},
          .indices = {{"pairs", op.getPairs(), "R", /*offset=*/0,
                       /*factor=*/static_cast<int64_t>(op.getTopK())}}};
}

LogicalResult GatherRowsOp::verify() {
  if (failed(verifyDestination(*this, {"output"})) ||
      failed(verifyTopK(*this, getTopK())))
    return failure();
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this));
  int64_t rows = shapes.get("P"), group = shapes.get("G");
  if (!ShapedType::isDynamic(rows) && !ShapedType::isDynamic(group))
    shapes.require(rows >= group, "output has " + Twine(rows) +
                                      " rows, expected at least " +
                                      Twine(group) + ": one for each pair");
  return shapes.result();
}

OpShapes mlir::marimba::shapesOf(ScatterAddRowsOp op) {
  return {.values = {{"input", op.getInput(), "G H"},
                     {"pairs", op.getPairs(), "G"},
                     {"output", op.getInits()[0], "R H"},
                     {"weights", op.getWeights(), "R*K"}},
          .sizes = {{"K", static_cast<int64_t>(op.getTopK())}},
          .indices = {{"pairs", op.getPairs(), "R*K"}}};
}

LogicalResult ScatterAddRowsOp::verify() {
  if (failed(verifyDestination(*this, {"output"})) ||
      failed(verifyTopK(*this, getTopK())))
    return failure();
  ShapeChecker shapes(*this);
  shapes.check("input", getInput(), "G H")
      .check("pairs", getPairs(), "G")
      .check("output", getInits()[0], "R H");
  bindPairs(shapes, shapes.get("R"), getTopK());
  return shapes.check("weights", getWeights(), "R*K").result();
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

OpWork RouteOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  double logits = sizes("B T E"), chosen = sizes("B T K");
  OpWork work;
  work.exps = logits;
  // Softmax: maximum, difference, sum, quotient; sigmoid: sum, quotient. Then K
  // times the largest of E.
  work.f32 = (getSigmoid() ? 2 : 4) * logits + chosen * sizes("E");
  if (getBias())
    work.f32 += logits;
  if (getGroups() > 1) // two largest of each
    work.f32 += 2 * logits;
  if (getNormalize())
    work.f32 += 2 * chosen;
  if (!getScale().isExactlyValue(1.0))
    work.f32 += chosen;
  return work;
}

OpWork ExpertsOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  double chosen = sizes("B T K");
  OpWork work;
  for (Value weight : getMatrices())
    work.products.push_back({weight, 2 * chosen * sizes("I H")});
  if (getGate())
    work.exps = chosen * sizes("I"); // swiglu
  work.f32 =
      (getGate() ? 3 : 2) * chosen * sizes("I") + 2 * chosen * sizes("H");
  return work;
}

/// Tokens choose as if each chose others, until all experts are chosen.
double ExpertsOp::getBytesRead(OpOperand &operand, DynamicSize size) {
  double bytes = bytesOf(*this, operand.get(), size);
  if (getWeightOperand(operand).role == WeightRole::None)
    return bytes;
  LetterSizes sizes(shapesOf(*this), size);
  return bytes * std::min(1.0, sizes("B T K") / sizes("E"));
}

WeightOperand ExpertsOp::getWeightOperand(OpOperand &operand) {
  if (operand.getOperandNumber() < getMatrices().getBeginOperandIndex())
    return {};
  return {.role = WeightRole::Projection, .quantize = true};
}

OpWork GroupByExpertOp::getWork(DynamicSize) { return {}; } // counts

OpWork GroupedMatmulOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  double outputs = sizes("G N");
  OpWork work;
  work.products.push_back({getUp(), 2 * outputs * sizes("D")});
  if (getGate()) {
    work.products.push_back({getGate(), 2 * outputs * sizes("D")});
    work.exps = outputs;
    work.f32 = 3 * outputs;
  }
  if (getRelu2())
    work.f32 = 2 * outputs;
  return work;
}

double GroupedMatmulOp::getBytesRead(OpOperand &operand, DynamicSize size) {
  double bytes = bytesOf(*this, operand.get(), size);
  if (getWeightOperand(operand).role == WeightRole::None)
    return bytes;
  LetterSizes sizes(shapesOf(*this), size);
  return bytes * std::min(1.0, sizes("G") / sizes("E"));
}

OpWork GatherRowsOp::getWork(DynamicSize) { return {}; } // copies

OpWork ScatterAddRowsOp::getWork(DynamicSize size) {
  OpWork work;
  work.f32 = 2 * LetterSizes(shapesOf(*this), size)("G H");
  return work;
}
