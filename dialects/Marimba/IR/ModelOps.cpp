//===- ModelOps.cpp - Weights, projections, norms -------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/Numbers.h"
#include "dialects/Marimba/IR/Quantized.h"
#include "dialects/Marimba/IR/Verify.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::marimba;
using ::marimba::formats::Offset;

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
           << "has " << count << " sources, expected " << expected << ": "
           << llvm::join(llvm::map_range(layout.parts(),
                                         [](formats::PartKind kind) {
                                           return partName(kind).data();
                                         }),
                         ", ")
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
        type.getElementType().isF16() || type.getElementType().isInteger(32)))
    return emitOpError() << "has type " << getType()
                         << ", expected a static tensor of f32, bf16, f16 or "
                            "i32";
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
// EmbeddingOp, GatherTokensOp, PermuteChannelsOp
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

OpShapes mlir::marimba::shapesOf(GatherTokensOp op) {
  return {.values = {{"input", op.getInput(), "B T H"},
                     {"positions", op.getPositions(), "B P"},
                     {"result", op.getResult(), "B P H"}},
          .indices = {{"positions", op.getPositions(), "T"}}};
}

LogicalResult GatherTokensOp::verify() {
  return ShapeChecker(*this).check(shapesOf(*this)).result();
}

OpShapes mlir::marimba::shapesOf(PermuteChannelsOp op) {
  std::string letters = lettersWithLast(op.getInput(), "K");
  return {.values = {{"input", op.getInput(), letters},
                     {"order", op.getOrder(), "K"},
                     {"result", op.getResult(), letters}},
          .indices = {{"order", op.getOrder(), "K"}}};
}

LogicalResult PermuteChannelsOp::verify() {
  if (getInput().getType().getRank() == 0)
    return emitOpError("input has rank 0, expected at least 1");
  return ShapeChecker(*this).check(shapesOf(*this)).result();
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
      .values = {
          {"input", op.getInput(), lettersWithLast(op.getInput(), "H")},
          {"weight", op.getWeight(), "H"},
          {"result", op.getResult(), lettersWithLast(op.getResult(), "H")}}};
}

LogicalResult RMSNormOp::verify() {
  if (getInput().getType().getRank() == 0)
    return emitOpError("input has rank 0, expected at least 1");
  if (failed(ShapeChecker(*this)
                 .check(shapesOf(*this))
                 .requireStatic("H")
                 .result()))
    return failure();
  int64_t size = getType().getShape().back(), groups = getGroups();
  if (groups < 1 || size % groups != 0)
    return emitOpError() << "has " << groups
                         << " groups, expected a divisor of the last "
                            "dimension, "
                         << size;
  if (getZeroCentered() && !getWeight())
    return emitOpError("is zero_centered and has no weight, expected one");
  return verifyPositive(*this, "eps", getEps());
}

void RMSNormOp::build(OpBuilder &builder, OperationState &state, Value input,
                      Value weight, double eps, int64_t groups,
                      bool zeroCentered) {
  build(builder, state, input.getType(), input, weight, APFloat(eps), groups,
        zeroCentered);
}

/// A factor of one is no weight.
static LogicalResult dropUnitWeight(RMSNormOp op, PatternRewriter &rewriter) {
  Value weight = op.getWeight();
  if (!weight || !(op.getZeroCentered() ? matchPattern(weight, m_AnyZeroFloat())
                                        : matchPattern(weight, m_OneFloat())))
    return failure();
  rewriter.modifyOpInPlace(op, [&] {
    op.getWeightMutable().clear();
    op.setZeroCentered(false);
  });
  return success();
}

void RMSNormOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *) {
  patterns.add(dropUnitWeight);
}

//===----------------------------------------------------------------------===//
// L2NormOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(L2NormOp op) {
  return {
      .values = {
          {"input", op.getInput(), lettersWithLast(op.getInput(), "N")},
          {"result", op.getResult(), lettersWithLast(op.getResult(), "N")}}};
}

LogicalResult L2NormOp::verify() {
  if (getInput().getType().getRank() == 0)
    return emitOpError("input has rank 0, expected at least 1");
  if (failed(ShapeChecker(*this)
                 .check(shapesOf(*this))
                 .requireStatic("N")
                 .result()) ||
      failed(verifyPositive(*this, "eps", getEps())))
    return failure();
  return verifyPositive(*this, "scale", getScale());
}

void L2NormOp::build(OpBuilder &builder, OperationState &state, Value input,
                     double eps, double scale) {
  build(builder, state, input.getType(), input, APFloat(eps), APFloat(scale));
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

template <typename OpTy> static OpShapes shapesOfUnary(OpTy op) {
  std::string letters = lettersOfRank(op.getInput());
  return {.values = {{"input", op.getInput(), letters},
                     {"result", op.getResult(), letters}}};
}

OpShapes mlir::marimba::shapesOf(SiluOp op) { return shapesOfUnary(op); }

OpShapes mlir::marimba::shapesOf(SigmoidOp op) { return shapesOfUnary(op); }

OpShapes mlir::marimba::shapesOf(Relu2Op op) { return shapesOfUnary(op); }

OpShapes mlir::marimba::shapesOf(GeluOp op) { return shapesOfUnary(op); }

OpShapes mlir::marimba::shapesOf(ScaleOp op) { return shapesOfUnary(op); }

LogicalResult ScaleOp::verify() {
  APFloat factor = getFactor();
  bool inexact = false;
  factor.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &inexact);
  if (factor.isFinite())
    return success();
  return emitOpError() << "factor is " << getFactor().convertToDouble()
                       << ", expected a finite f32";
}

OpFoldResult ScaleOp::fold(FoldAdaptor) {
  return getFactor().isExactlyValue(1.0) ? getInput() : Value();
}

OpShapes mlir::marimba::shapesOf(SoftcapOp op) { return shapesOfUnary(op); }

LogicalResult SoftcapOp::verify() {
  return verifyPositive(*this, "cap", getCap());
}

OpShapes mlir::marimba::shapesOf(SoftplusOp op) {
  Value input = op.getInput();
  if (!op.getBias())
    return shapesOfUnary(op);
  std::string letters = lettersWithLast(input, "H");
  return {.values = {{"input", input, letters},
                     {"bias", op.getBias(), "H"},
                     {"result", op.getResult(), letters}}};
}

void SoftplusOp::build(OpBuilder &builder, OperationState &state, Value input) {
  build(builder, state, input.getType(), input, Value(), FloatAttr(),
        FloatAttr());
}

LogicalResult SoftplusOp::verify() {
  if (getBias() && getInput().getType().getRank() == 0)
    return emitOpError("input has rank 0, expected at least 1");
  if (failed(ShapeChecker(*this).check(shapesOf(*this)).result()))
    return failure();
  std::optional<APFloat> least = getMinimum(), most = getMaximum();
  if (least && (least->isNegative() || !least->isFinite()))
    return emitOpError() << "min is " << numberText(*least)
                         << ", expected a finite number of at least 0";
  if (most && failed(verifyPositive(*this, "max", *most)))
    return failure();
  if (least && most && *least > *most)
    return emitOpError() << "min is " << numberText(*least)
                         << ", expected at most max, " << numberText(*most);
  return success();
}

OpShapes mlir::marimba::shapesOf(SwiGLUOp op) {
  std::string letters = lettersOfRank(op.getGate());
  return {.values = {{"gate", op.getGate(), letters},
                     {"up", op.getUp(), letters},
                     {"result", op.getResult(), letters}}};
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

OpWork WeightOp::getWork(DynamicSize) { return {}; }
OpWork GetWeightOp::getWork(DynamicSize) { return {}; }
OpWork GatherTokensOp::getWork(DynamicSize) { return {}; }    // copies
OpWork PermuteChannelsOp::getWork(DynamicSize) { return {}; } // copies

/// Each of the wanted rows once, however many there are to choose from.
double GatherTokensOp::getBytesRead(OpOperand &operand, DynamicSize size) {
  if (&operand == &getInputMutable())
    return bytesOf(*this, getResult(), size);
  return bytesOf(*this, operand.get(), size);
}

OpWork EmbeddingOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  OpWork work;
  if (isQuantized(getTable().getType())) // codes times scales
    work.f32 = sizes("B T H");
  return work;
}

/// A row a token.
double EmbeddingOp::getBytesRead(OpOperand &operand, DynamicSize size) {
  double bytes = bytesOf(*this, operand.get(), size);
  if (&operand != &getTableMutable())
    return bytes;
  LetterSizes sizes(shapesOf(*this), size);
  return bytes * std::min(1.0, sizes("B T") / sizes("V"));
}

WeightOperand EmbeddingOp::getWeightOperand(OpOperand &operand) {
  if (&operand != &getTableMutable())
    return {};
  return {.role = WeightRole::Table, .quantize = true};
}

OpWork LinearOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  double outputs = sizes(lettersWithLast(getInput(), "out"));
  double operations = 2 * outputs * sizes("in");
  OpWork work;
  work.products.push_back({getWeight(), operations,
                           /*exact=*/isCompared(getResult())});
  if (getBias())
    work.f32 += outputs;
  return work;
}

WeightOperand LinearOp::getWeightOperand(OpOperand &operand) {
  if (&operand != &getWeightMutable())
    return {};
  return {.role = WeightRole::Projection, .quantize = !isCompared(getResult())};
}

/// Squares and their sum, the root's quotient (mean, eps, root, quotient: 4 a
/// group of a row), its product, that with the weight.
OpWork RMSNormOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  double rows = sizes(lettersWithLast(getInput(), ""));
  OpWork work;
  work.f32 =
      rows * ((getWeight() ? 4 : 3) * sizes("H") + 4 * double(getGroups()));
  return work;
}

/// Squares and their sum, the root's quotient (eps, root, quotient and scale: 4
/// a row), its product.
OpWork L2NormOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  OpWork work;
  work.f32 = sizes(lettersWithLast(getInput(), "")) * (3 * sizes("N") + 4);
  return work;
}

/// x / (1 + exp(-x))
OpWork SiluOp::getWork(DynamicSize size) {
  double elements =
      LetterSizes(shapesOf(*this), size)(lettersOfRank(getInput()));
  OpWork work;
  work.exps = elements;
  work.f32 = 2 * elements;
  return work;
}

/// 1 / (1 + exp(-x))
OpWork SigmoidOp::getWork(DynamicSize size) {
  double elements =
      LetterSizes(shapesOf(*this), size)(lettersOfRank(getInput()));
  OpWork work;
  work.exps = elements;
  work.f32 = 2 * elements;
  return work;
}

/// A maximum and a product.
OpWork Relu2Op::getWork(DynamicSize size) {
  OpWork work;
  work.f32 = 2 * LetterSizes(shapesOf(*this), size)(lettersOfRank(getInput()));
  return work;
}

/// x / 2 * (1 + erf(x / sqrt(2))), whose erf has one exponential; so has tanh,
/// whose argument is 4 operations more.
OpWork GeluOp::getWork(DynamicSize size) {
  double elements =
      LetterSizes(shapesOf(*this), size)(lettersOfRank(getInput()));
  OpWork work;
  work.exps = elements;
  work.f32 = (getWithTanh() ? 8 : 4) * elements;
  return work;
}

OpWork ScaleOp::getWork(DynamicSize size) {
  OpWork work;
  work.f32 = LetterSizes(shapesOf(*this), size)(lettersOfRank(getInput()));
  return work;
}

/// tanh's exponential and its 4 operations, and the two products
OpWork SoftcapOp::getWork(DynamicSize size) {
  double elements =
      LetterSizes(shapesOf(*this), size)(lettersOfRank(getInput()));
  OpWork work;
  work.exps = elements;
  work.f32 = 6 * elements;
  return work;
}

/// max(x, 0) + log1p(exp(-|x|)), the sum with the bias, the bounds
OpWork SoftplusOp::getWork(DynamicSize size) {
  Value input = getInput();
  double elements = LetterSizes(shapesOf(*this), size)(
      getBias() ? lettersWithLast(input, "H") : lettersOfRank(input));
  OpWork work;
  work.exps = 2 * elements;
  work.f32 =
      (2 + bool(getBias()) + bool(getMinimumAttr()) + bool(getMaximumAttr())) *
      elements;
  return work;
}

OpWork SwiGLUOp::getWork(DynamicSize size) {
  double elements =
      LetterSizes(shapesOf(*this), size)(lettersOfRank(getGate()));
  OpWork work;
  work.exps = elements;
  work.f32 = 3 * elements;
  return work;
}
