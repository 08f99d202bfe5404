//===- ModelOps.cpp - Weights, projections, norms -------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/Quantized.h"
#include "dialects/Marimba/IR/Verify.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::marimba;
using ::marimba::formats::Offset;

/// The sizes of `source` for a result of the same shape.
static LogicalResult reifyLike(OpBuilder &builder, Value source,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(builder, source.getLoc(), source));
  return success();
}

//===----------------------------------------------------------------------===//
// WeightOp, GetWeightOp
//===----------------------------------------------------------------------===//

/// The sources of a quantised weight: two or three for each matrix.
static LogicalResult verifyQuantizedSources(WeightOp op,
                                            RankedTensorType type) {
  formats::Layout layout = layoutOf(type);
  int64_t expected = layout.matrices * layout.partCount();
  int64_t count = op.getSources() ? op.getSources()->size() : 0;
  if (op.getDerived() || count != expected)
    return op.emitOpError()
           << "has " << count << " sources, expected " << expected
           << ": codes, scales"
           << (layout.encoding.offset == Offset::ZeroPoint ? ", zero points"
               : layout.encoding.offset == Offset::Minimum ? ", minimums"
                                                           : "")
           << " of each matrix";
  return success();
}

LogicalResult WeightOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getType());
  if (type && getStored()) {
    Type stored = *getStored();
    if (!isQuantized(stored))
      return emitOpError() << "is stored as " << stored
                           << ", expected a quantised tensor";
    auto quantized = cast<RankedTensorType>(stored);
    int64_t bytes = layoutOf(quantized).bytes();
    if (!type.getElementType().isInteger(8) || type.getRank() != 1 ||
        type.getDimSize(0) != bytes)
      return emitOpError() << "has type " << type << ", expected tensor<"
                           << bytes << "xi8>: the bytes of " << quantized;
    return verifyQuantizedSources(*this, quantized);
  }
  if (isQuantized(getType()))
    return verifyQuantizedSources(*this, type);
  if (!type || !type.hasStaticShape() ||
      !(type.getElementType().isF32() || type.getElementType().isBF16() ||
        type.getElementType().isF16()))
    return emitOpError() << "has type " << getType()
                         << ", expected a static tensor of f32, bf16 or f16";
  std::optional<ArrayAttr> sources = getSources();
  if (!sources) {
    if (getDerived())
      return success();
    return emitOpError("has no source, expected `from` or `derived`");
  }
  if (getDerived())
    return emitOpError("is derived but has sources, expected only one of both");
  int64_t count = sources->size();
  if (count == 0)
    return emitOpError("has an empty list of sources, expected at least one");
  for (StringAttr source : sources->getAsRange<StringAttr>())
    if (source.empty())
      return emitOpError("has a source without a name");
  if (count == 1)
    return success();
  if (type.getRank() == 0 || type.getDimSize(0) != count)
    return emitOpError() << "stacks " << count << " sources in " << type
                         << ", expected dimension 0 of that size";
  return success();
}

OpShapes mlir::marimba::shapesOf(WeightOp) { return {}; }
OpShapes mlir::marimba::shapesOf(GetWeightOp) { return {}; }

LogicalResult GetWeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto weight =
      symbols.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight)
    return emitOpError() << "refers to " << getWeightAttr()
                         << ", which is not a marimba.weight";
  auto expected = cast<RankedTensorType>(weight.getType());
  auto found = cast<ShapedType>(getResult().getType());
  if (auto buffer = dyn_cast<MemRefType>(found);
      buffer && !buffer.getLayout().isIdentity())
    return emitOpError() << "has a result of type " << found
                         << ", expected row-major order";
  if (found.getShape() != expected.getShape() ||
      found.getElementType() != expected.getElementType())
    return emitOpError() << "has a result of type " << found << ", expected "
                         << expected << ": the type of " << getWeightAttr();
  return success();
}

//===----------------------------------------------------------------------===//
// EmbeddingOp, GatherTokensOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(EmbeddingOp op) {
  return {.values = {{"ids", op.getIds(), "B T"},
                     {"table", op.getTable(), "V H"},
                     {"result", op.getResult(), "B T H"}},
          .indices = {{"ids", op.getIds(), "V"}}};
}

LogicalResult EmbeddingOp::verify() {
  return ShapeChecker(*this).check(shapesOf(*this)).result();
}

LogicalResult
EmbeddingOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back({reifyDim(builder, getResult(), 0, getIds(), 0),
                    reifyDim(builder, getResult(), 1, getIds(), 1),
                    reifyDim(builder, getResult(), 2, getTable(), 1)});
  return success();
}

OpShapes mlir::marimba::shapesOf(GatherTokensOp op) {
  return {.values = {{"input", op.getInput(), "B T H"},
                     {"positions", op.getPositions(), "B P"},
                     {"result", op.getResult(), "B P H"}},
          .indices = {{"positions", op.getPositions(), "T"}}};
}

LogicalResult GatherTokensOp::verify() {
  return ShapeChecker(*this).check(shapesOf(*this)).result();
}

LogicalResult
GatherTokensOp::reifyResultShapes(OpBuilder &builder,
                                  ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back({reifyDim(builder, getResult(), 0, getPositions(), 0),
                    reifyDim(builder, getResult(), 1, getPositions(), 1),
                    reifyDim(builder, getResult(), 2, getInput(), 2)});
  return success();
}

//===----------------------------------------------------------------------===//
// LinearOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(LinearOp op) {
  Value input = op.getInput();
  return {
      .values = {{"input", input, lettersWithLast(input, "in")},
                 {"weight", op.getWeight(), "out in"},
                 {"bias", op.getBias(), "out"},
                 {"result", op.getResult(), lettersWithLast(input, "out")}}};
}

LogicalResult LinearOp::verify() {
  if (getInput().getType().getRank() == 0)
    return emitOpError("input has rank 0, expected at least 1");
  return ShapeChecker(*this).check(shapesOf(*this)).result();
}

LogicalResult LinearOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  int64_t last = getInput().getType().getRank() - 1;
  SmallVector<OpFoldResult> shape;
  for (int64_t dim = 0; dim < last; ++dim)
    shape.push_back(reifyDim(builder, getResult(), dim, getInput(), dim));
  shape.push_back(reifyDim(builder, getResult(), last, getWeight(), 0));
  shapes.push_back(std::move(shape));
  return success();
}

/// A bias of zeros adds nothing.
static LogicalResult dropZeroBias(LinearOp op, PatternRewriter &rewriter) {
  if (!op.getBias() || !matchPattern(op.getBias(), m_AnyZeroFloat()))
    return failure();
  rewriter.modifyOpInPlace(op, [&] { op.getBiasMutable().clear(); });
  return success();
}

void LinearOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *) {
  patterns.add(dropZeroBias);
}

//===----------------------------------------------------------------------===//
// RMSNormOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(RMSNormOp op) {
  return {
      .values = {{"input", op.getInput(), lettersWithLast(op.getInput(), "H")},
                 {"weight", op.getWeight(), "H"}}};
}

LogicalResult RMSNormOp::verify() {
  if (getInput().getType().getRank() == 0)
    return emitOpError("input has rank 0, expected at least 1");
  if (failed(ShapeChecker(*this)
                 .check(shapesOf(*this))
                 .requireStatic("H")
                 .result()))
    return failure();
  return verifyPositive(*this, "eps", getEps());
}

LogicalResult
RMSNormOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(builder, getInput(), shapes);
}

/// A weight of ones is no weight.
static LogicalResult dropUnitWeight(RMSNormOp op, PatternRewriter &rewriter) {
  if (!op.getWeight() || !matchPattern(op.getWeight(), m_OneFloat()))
    return failure();
  rewriter.modifyOpInPlace(op, [&] { op.getWeightMutable().clear(); });
  return success();
}

void RMSNormOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *) {
  patterns.add(dropUnitWeight);
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(SiluOp op) {
  return {.values = {{"input", op.getInput(), lettersOfRank(op.getInput())}}};
}

OpShapes mlir::marimba::shapesOf(SoftplusOp op) {
  return {.values = {{"input", op.getInput(), lettersOfRank(op.getInput())}}};
}

OpShapes mlir::marimba::shapesOf(SwiGLUOp op) {
  std::string letters = lettersOfRank(op.getGate());
  return {
      .values = {{"gate", op.getGate(), letters}, {"up", op.getUp(), letters}}};
}

LogicalResult SiluOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(builder, getInput(), shapes);
}

LogicalResult
SoftplusOp::reifyResultShapes(OpBuilder &builder,
                              ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(builder, getInput(), shapes);
}

LogicalResult SwiGLUOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(builder, getGate(), shapes);
}
