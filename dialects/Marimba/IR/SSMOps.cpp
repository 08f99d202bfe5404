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

LogicalResult DiscretizeOp::verify() {
  return ShapeChecker(*this)
      .check("delta", getDelta(), "B T D")
      .check("A", getA(), "N D")
      .check("B", getB(), "B T N")
      .check("decay", getDecay(), "B T N D")
      .result();
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

LogicalResult ScanOp::verify() {
  if (failed(verifyDestination(*this, {"states", "state"})))
    return failure();
  return ShapeChecker(*this)
      .checkOperands(*this)
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

LogicalResult ReadoutOp::verify() {
  if (!getD() != !getU())
    return emitOpError() << "has " << (getD() ? "D without u" : "u without D")
                         << ", expected both or none";
  return ShapeChecker(*this)
      .check("states", getStates(), "B T N D")
      .check("C", getC(), "B T N")
      .check("D", getD(), "D")
      .check("u", getU(), "B T D")
      .check("result", getResult(), "B T D")
      .result();
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

LogicalResult SelectiveScanOp::verify() {
  if (failed(verifyDestination(*this, {"output", "state"})))
    return failure();
  return ShapeChecker(*this).checkOperands(*this).requireStatic("N").result();
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

LogicalResult ScanSummaryOp::verify() {
  if (failed(verifyDestination(*this, {"state", "elapsed"})))
    return failure();
  return ShapeChecker(*this).checkOperands(*this).requireStatic("N").result();
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
  return shapes.checkOperands(*this).result();
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
