//===- MoEOps.cpp - Mixture of experts ------------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/Verify.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::marimba;

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

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
                     {"weights", op.getWeights(), "B T K"},
                     {"experts", op.getExperts(), "B T K"}},
          .atMost = {{"K", "E"}}};
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
  return shapes.result();
}

LogicalResult RouteOp::reifyResultShapes(OpBuilder &builder,
                                         ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, shapes);
}

void RouteOp::getEffects(Effects &effects) {
  getDestinationEffects(*this, effects);
}

LogicalResult RouteOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &) {
  return foldBufferCasts(*this);
}

//===----------------------------------------------------------------------===//
// ExpertsOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(ExpertsOp op) {
  return {.values = {{"input", op.getInput(), "B T H"},
                     {"weights", op.getWeights(), "B T K"},
                     {"experts", op.getExperts(), "B T K"},
                     {"gate", op.getGate(), "E I H"},
                     {"up", op.getUp(), "E I H"},
                     {"down", op.getDown(), "E H I"}},
          .atMost = {{"K", "E"}},
          .indices = {{"experts", op.getExperts(), "E"}}};
}

LogicalResult ExpertsOp::verify() {
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this))
      .requireStatic("E")
      .requireStatic("I")
      .requireStatic("H")
      .requireStatic("K");
  requireTopK(shapes);
  return shapes.result();
}

LogicalResult
ExpertsOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(builder, getLoc(), getInput()));
  return success();
}

//===----------------------------------------------------------------------===//
// GroupByExpertOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(GroupByExpertOp op) {
  return {.values = {{"experts", op.getExperts(), "R K"},
                     {"offsets", op.getOffsets(), "E+1"},
                     {"pairs", op.getPairs(), "R*K"}},
          .indices = {{"experts", op.getExperts(), "E+1", /*offset=*/-1}}};
}

LogicalResult GroupByExpertOp::verify() {
  if (failed(verifyDestination(*this, {"pairs", "offsets"})))
    return failure();
  ShapeChecker shapes(*this);
  shapes.check("experts", getExperts(), "R K")
      .check("offsets", getOffsets(), "E+1");
  bindPairs(shapes, shapes.get("R"), shapes.get("K"));
  if (int64_t ends = shapes.get("E+1"); !ShapedType::isDynamic(ends))
    shapes.require(ends >= 2, "offsets has size " + Twine(ends) +
                                  ", expected at least 2: one expert more");
  return shapes.check("pairs", getPairs(), "R*K").result();
}

LogicalResult
GroupByExpertOp::reifyResultShapes(OpBuilder &builder,
                                   ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, shapes);
}

void GroupByExpertOp::getEffects(Effects &effects) {
  getDestinationEffects(*this, effects);
}

LogicalResult GroupByExpertOp::fold(FoldAdaptor,
                                    SmallVectorImpl<OpFoldResult> &) {
  return foldBufferCasts(*this);
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

LogicalResult
GatherRowsOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, shapes);
}

void GatherRowsOp::getEffects(Effects &effects) {
  getDestinationEffects(*this, effects);
}

LogicalResult GatherRowsOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &) {
  return foldBufferCasts(*this);
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

LogicalResult
ScatterAddRowsOp::reifyResultShapes(OpBuilder &builder,
                                    ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, shapes);
}

void ScatterAddRowsOp::getEffects(Effects &effects) {
  getDestinationEffects(*this, effects);
}

LogicalResult ScatterAddRowsOp::fold(FoldAdaptor,
                                     SmallVectorImpl<OpFoldResult> &) {
  return foldBufferCasts(*this);
}
