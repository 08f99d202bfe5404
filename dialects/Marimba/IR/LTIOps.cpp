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

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

//===----------------------------------------------------------------------===//
// DiscretizeLTIOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(DiscretizeLTIOp op) {
  return {.values = {{"dt", op.getDt(), "D"},
                     {"A", op.getA(), "N D"},
                     {"B", op.getB(), "N D"}}};
}

LogicalResult DiscretizeLTIOp::verify() {
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this));
  return shapes.requireParts(getComplex()).result();
}

LogicalResult
DiscretizeLTIOp::reifyResultShapes(OpBuilder &builder,
                                   ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> shape = {
      reifyDim(builder, getDecay(), 0, getA(), 0),
      reifyDim(builder, getDecay(), 1, getA(), 1)};
  shapes.assign(2, shape);
  return success();
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

LogicalResult
LTIPowersOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back({builder.getIndexAttr(getType().getDimSize(0)),
                    reifyDim(builder, getResult(), 1, getInput(), 0),
                    reifyDim(builder, getResult(), 2, getInput(), 1)});
  return success();
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

LogicalResult
LTIKernelOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back({reifyDim(builder, getResult(), 0, getPowers(), 0),
                    reifyDim(builder, getResult(), 1, getC(), 1)});
  return success();
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

LogicalResult
LTIScanOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, shapes);
}

void LTIScanOp::getEffects(Effects &effects) {
  getDestinationEffects(*this, effects);
}

LogicalResult LTIScanOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &) {
  return foldBufferCasts(*this);
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

LogicalResult
LongConvolutionOp::reifyResultShapes(OpBuilder &builder,
                                     ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, shapes);
}

void LongConvolutionOp::getEffects(Effects &effects) {
  getDestinationEffects(*this, effects);
}

LogicalResult LongConvolutionOp::fold(FoldAdaptor,
                                      SmallVectorImpl<OpFoldResult> &) {
  return foldBufferCasts(*this);
}

//===----------------------------------------------------------------------===//
// TilingInterface
//===----------------------------------------------------------------------===//

MARIMBA_DEFINE_RECURRENCE_TILING(LTIScanOp)
MARIMBA_DEFINE_RECURRENCE_TILING(LongConvolutionOp)
