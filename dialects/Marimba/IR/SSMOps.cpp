//===- SSMOps.cpp - Discretisation, recurrence, convolution ---------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/RecurrenceTiling.h"
#include "dialects/Marimba/IR/Verify.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::marimba;

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

//===----------------------------------------------------------------------===//
// DiscretizeOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(DiscretizeOp op) {
  return {.values = {{"delta", op.getDelta(), "B T D"},
                     {"A", op.getA(), "N D"},
                     {"B", op.getB(), "B T N"},
                     {"u", op.getU(), "B T D"},
                     {"decay", op.getDecay(), "B T N D"}}};
}

LogicalResult DiscretizeOp::verify() {
  return ShapeChecker(*this).check(shapesOf(*this)).result();
}

LogicalResult
DiscretizeOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> shape = {
      reifyDim(builder, getDecay(), 0, getDelta(), 0),
      reifyDim(builder, getDecay(), 1, getDelta(), 1),
      reifyDim(builder, getDecay(), 2, getA(), 0),
      reifyDim(builder, getDecay(), 3, getDelta(), 2)};
  shapes.assign(2, shape);
  return success();
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

LogicalResult ScanOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, shapes);
}

void ScanOp::getEffects(Effects &effects) {
  getDestinationEffects(*this, effects);
}

LogicalResult ScanOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &) {
  return foldBufferCasts(*this);
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

LogicalResult
ReadoutOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back({reifyDim(builder, getResult(), 0, getStates(), 0),
                    reifyDim(builder, getResult(), 1, getStates(), 1),
                    reifyDim(builder, getResult(), 2, getStates(), 3)});
  return success();
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

LogicalResult
SelectiveScanOp::reifyResultShapes(OpBuilder &builder,
                                   ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, shapes);
}

void SelectiveScanOp::getEffects(Effects &effects) {
  getDestinationEffects(*this, effects);
}

LogicalResult SelectiveScanOp::fold(FoldAdaptor,
                                    SmallVectorImpl<OpFoldResult> &) {
  return foldBufferCasts(*this);
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

LogicalResult
ScanSummaryOp::reifyResultShapes(OpBuilder &builder,
                                 ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, shapes);
}

void ScanSummaryOp::getEffects(Effects &effects) {
  getDestinationEffects(*this, effects);
}

LogicalResult ScanSummaryOp::fold(FoldAdaptor,
                                  SmallVectorImpl<OpFoldResult> &) {
  return foldBufferCasts(*this);
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

LogicalResult
CausalConv1dOp::reifyResultShapes(OpBuilder &builder,
                                  ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, shapes);
}

void CausalConv1dOp::getEffects(Effects &effects) {
  getDestinationEffects(*this, effects);
}

LogicalResult CausalConv1dOp::fold(FoldAdaptor,
                                   SmallVectorImpl<OpFoldResult> &) {
  return foldBufferCasts(*this);
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
// TilingInterface
//===----------------------------------------------------------------------===//

MARIMBA_DEFINE_RECURRENCE_TILING(ScanOp)
MARIMBA_DEFINE_RECURRENCE_TILING(SelectiveScanOp)
MARIMBA_DEFINE_RECURRENCE_TILING(ScanSummaryOp)
MARIMBA_DEFINE_RECURRENCE_TILING(CausalConv1dOp)
