//===- AttentionOps.cpp - Attention over a cache --------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/Verify.h"

using namespace mlir;
using namespace mlir::marimba;

LogicalResult AttentionOp::verify() {
  if (failed(verifyDestination(*this, {"output", "key_cache", "value_cache"})))
    return failure();
  ShapeChecker shapes(*this);
  shapes.check("query", getQuery(), "B T Hq dh")
      .check("key", getKey(), "B T Hkv dh")
      .check("value", getValue(), "B T Hkv dh")
      .check("past", getPast(), "B")
      .check("valid", getValid(), "B")
      .check("output", getOutput(), "B T Hq dh")
      .check("key_cache", getKeyCache(), "B Hkv C dh")
      .check("value_cache", getValueCache(), "B Hkv C dh")
      .requireStatic("Hq")
      .requireStatic("Hkv")
      .requireStatic("dh");
  int64_t heads = shapes.get("Hq"), groups = shapes.get("Hkv");
  if (!ShapedType::isDynamic(heads) && !ShapedType::isDynamic(groups))
    shapes.require(groups > 0 && heads % groups == 0,
                   "has " + Twine(heads) +
                       " query heads, expected a multiple of the " +
                       Twine(groups) + " key/value heads");
  if (failed(shapes.result()))
    return failure();
  if (getWindow() && *getWindow() < 1)
    return emitOpError() << "window is " << *getWindow()
                         << ", expected at least 1";
  if (getSoftcap() && failed(verifyPositive(*this, "softcap", *getSoftcap())))
    return failure();
  return verifyPositive(*this, "scale", getScale());
}

LogicalResult
AttentionOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, shapes);
}

void AttentionOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getDestinationEffects(*this, effects);
}

LogicalResult AttentionOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &) {
  return foldBufferCasts(*this);
}
