//===- QuantizedOps.cpp - Weights in 8 and 4 bits -------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/PostOps.h"
#include "dialects/Marimba/IR/Quantized.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::marimba;

static int64_t lastSize(Value value) {
  ArrayRef<int64_t> shape = cast<ShapedType>(value.getType()).getShape();
  return shape.empty() ? 1 : shape.back();
}

/// An element type that only one operand of a variadic list may have.
static LogicalResult verifyElement(Operation *op, StringRef name, Value value,
                                   Type expected) {
  Type found = getElementTypeOrSelf(value.getType());
  if (found == expected)
    return success();
  return op->emitOpError() << name << " has elements of " << found
                           << ", expected " << expected;
}

/// `weight[matrix] as stored`; binds N and K.
template <typename OpTy>
static LogicalResult verifyStored(OpTy op, Value matrix, ShapeChecker &shapes) {
  if (!isQuantized(op.getStored()))
    return op.emitOpError() << "reads its weight as " << op.getStored()
                            << ", expected a quantised tensor";
  RankedTensorType stored = op.getStoredType();
  auto found = cast<ShapedType>(op.getWeight().getType());
  RankedTensorType bytes = bytesOfQuantized(stored);
  if (found != stored && (found.getElementType() != bytes.getElementType() ||
                          found.getShape() != bytes.getShape()))
    return op.emitOpError() << "weight has type " << found << ", expected "
                            << stored << " or its bytes, " << bytes;
  formats::Layout layout = layoutOf(stored);
  if (layout.matrices > 1 && !matrix)
    return op.emitOpError() << "reads a stack of " << layout.matrices
                            << " matrices, expected the index of one";
  shapes.bind("N", layout.channels, "channels of the weight")
      .bind("K", layout.inputs, "inputs of the weight");
  return success();
}

//===----------------------------------------------------------------------===//
// QuantizeRowsOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(QuantizeRowsOp op) {
  Value input = op.getInput();
  return {.values = {{"input", input, lettersWithLast(input, "K")},
                     {"codes", op.getCodes(), lettersWithLast(input, "KP")},
                     {"scales", op.getScales(), lettersWithLast(input, "G")},
                     {"sums", op.getSums(), lettersWithLast(input, "G")}}};
}

LogicalResult QuantizeRowsOp::verify() {
  if (failed(verifyDestination(*this, {"codes", "scales", "sums"})))
    return failure();
  Builder b(getContext());
  if (failed(verifyElement(*this, "codes", getCodes(), b.getI8Type())) ||
      failed(verifyElement(*this, "scales", getScales(), b.getF32Type())) ||
      failed(verifyElement(*this, "sums", getSums(), b.getF32Type())))
    return failure();
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this))
      .requireStatic("K")
      .requireStatic("KP")
      .requireStatic("G");
  if (failed(shapes.result()))
    return failure();
  int64_t padded = shapes.get("KP"), groups = shapes.get("G");
  return shapes
      .require(padded >= shapes.get("K"),
               "has " + Twine(padded) + " codes (KP), expected at least the " +
                   Twine(shapes.get("K")) + " inputs (K)")
      .require(groups > 0 && padded % groups == 0,
               "has " + Twine(groups) + " groups (G) of " + Twine(padded) +
                   " codes (KP), expected a divisor")
      .result();
}
//===----------------------------------------------------------------------===//
// QuantizedMatmulOp
//===----------------------------------------------------------------------===//

/// The matrix of a stack that is read; no row where there is only one.
static void addMatrix(OpShapes &shapes, Value matrix,
                      const formats::Layout &layout) {
  shapes.sizes.push_back({"matrices", layout.matrices});
  if (matrix)
    shapes.indices.push_back({"matrix", matrix, "matrices"});
}

OpShapes mlir::marimba::shapesOf(QuantizedMatmulOp op) {
  formats::Layout layout = layoutOf(op.getStoredType());
  Value input = op.getInput();
  OpShapes shapes{
      .values = {{"input", input,
                  lettersWithLast(input, op.getScales() ? "KP" : "K")},
                 {"scales", op.getScales(), lettersWithLast(input, "G")},
                 {"sums", op.getSums(), lettersWithLast(input, "G")},
                 {"bias", op.getBias(), "N"},
                 {"output", op.getInits()[0], lettersWithLast(input, "N")}},
      .sizes = {
          {"N", layout.channels}, {"K", layout.inputs}, {"KP", layout.depth}}};
  addMatrix(shapes, op.getMatrix(), layout);
  return shapes;
}

LogicalResult QuantizedMatmulOp::verify() {
  ShapeChecker shapes(*this);
  if (failed(verifyDestination(*this, {"output"})) ||
      failed(verifyStored(*this, getMatrix(), shapes)))
    return failure();
  formats::Layout layout = layoutOf(getStoredType());
  bool integer = getElementTypeOrSelf(getInput().getType()).isInteger(8);
  if (integer != bool(getScales()))
    return emitOpError() << "input has type " << getInput().getType()
                         << ", expected elements of i8 with scales, of f32 or "
                            "bf16 without";
  shapes.bind("KP", layout.depth, "padded inputs of the weight")
      .check(shapesOf(*this));
  checkPostOps(*this, shapes, lettersWithLast(getInput(), "N"));
  if (failed(shapes.result()) || !integer)
    return shapes.result();
  int64_t groups = lastSize(getScales());
  return shapes.requireStatic("G")
      .require(groups > 0 && groups % layout.groups == 0 &&
                   layout.depth % groups == 0 &&
                   layout.depth / groups % 16 == 0,
               "input has " + Twine(groups) +
                   " groups (G), expected a "
                   "multiple of the " +
                   Twine(layout.groups) +
                   " of the weight, of a multiple of 16 inputs each")
      .result();
}
//===----------------------------------------------------------------------===//
// DequantizeOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(DequantizeOp op) {
  formats::Layout layout = layoutOf(op.getStoredType());
  Value output = op.getInits()[0];
  OpShapes shapes{.values = {{"output", output, "K C"}},
                  .sizes = {{"N", layout.channels}, {"K", layout.inputs}},
                  .indices = {{.name = "first",
                               .values = op.getFirst(),
                               .letter = "N",
                               .offset = 1 - lastSize(output),
                               .multipleOf = formats::Layout::kChannels}}};
  addMatrix(shapes, op.getMatrix(), layout);
  return shapes;
}

LogicalResult DequantizeOp::verify() {
  ShapeChecker shapes(*this);
  if (failed(verifyDestination(*this, {"output"})) ||
      failed(verifyStored(*this, getMatrix(), shapes)))
    return failure();
  shapes.check(shapesOf(*this)).requireStatic("C");
  if (failed(shapes.result()))
    return failure();
  return shapes
      .require(shapes.get("C") <= shapes.get("N"),
               "output has " + Twine(shapes.get("C")) +
                   " channels, expected at most the " + Twine(shapes.get("N")) +
                   " of the weight")
      .result();
}
//===----------------------------------------------------------------------===//
// QuantizedEmbeddingOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(QuantizedEmbeddingOp op) {
  formats::Layout layout = layoutOf(op.getStoredType());
  return {.values = {{"ids", op.getIds(), "B T"},
                     {"output", op.getInits()[0], "B T K"}},
          .sizes = {{"N", layout.channels}, {"K", layout.inputs}},
          .indices = {{"ids", op.getIds(), "N"}}};
}

LogicalResult QuantizedEmbeddingOp::verify() {
  ShapeChecker shapes(*this);
  if (failed(verifyDestination(*this, {"output"})) ||
      failed(verifyStored(*this, Value(), shapes)))
    return failure();
  return shapes.check(shapesOf(*this)).result();
}
//===----------------------------------------------------------------------===//
// ChannelTermsOp
//===----------------------------------------------------------------------===//

OpShapes mlir::marimba::shapesOf(ChannelTermsOp op) {
  formats::Layout layout = layoutOf(op.getStoredType());
  OpShapes shapes{
      .values = {{"scales", op.getScales(), "N"}, {"sums", op.getSums(), "N"}},
      .sizes = {{"N", layout.channels}}};
  addMatrix(shapes, op.getMatrix(), layout);
  return shapes;
}

LogicalResult ChannelTermsOp::verify() {
  ShapeChecker shapes(*this);
  if (failed(verifyDestination(*this, {"scales", "sums"})) ||
      failed(verifyStored(*this, getMatrix(), shapes)))
    return failure();
  Builder b(getContext());
  if (failed(verifyElement(*this, "scales", getScales(), b.getF32Type())) ||
      failed(verifyElement(*this, "sums", getSums(), b.getI32Type())))
    return failure();
  formats::Layout layout = layoutOf(getStoredType());
  return shapes.check(shapesOf(*this))
      .require(layout.hasChannelScales(),
               "weight has several scales a channel or elements of i4, "
               "expected i8 with one scale for each channel")
      .result();
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

OpWork QuantizeRowsOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  double rows = sizes(lettersWithLast(getInput(), ""));
  OpWork work;
  // Maximum, product with 1 / scale, rounding and sum of each input; the scale,
  // its reciprocal and the scaled sum of each group.
  work.f32 = rows * (4 * sizes("K") + 3 * sizes("G"));
  return work;
}

OpWork QuantizedMatmulOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  double outputs = sizes(lettersWithLast(getInput(), "N"));
  OpWork work;
  if (getScales()) { // sums of integers; each group's times both scales, added
    work.int8 = 2 * outputs * sizes("K");
    work.f32 = 3 * outputs * sizes("G");
  } else {
    work.f32 = 2 * outputs * sizes("K");
  }
  if (getBias())
    work.f32 += outputs;
  work.f32 += outputs * static_cast<double>(getPostOps().size());
  return work;
}

OpWork DequantizeOp::getWork(DynamicSize size) {
  double elements = LetterSizes(shapesOf(*this), size)("K C");
  OpWork work;
  // The scale's product, and a sum where codes are not around zero.
  formats::Encoding encoding = layoutOf(getStoredType()).encoding;
  bool centered =
      encoding.bits == 8 && encoding.offset == formats::Offset::None;
  work.f32 = centered ? elements : 2 * elements;
  return work;
}

OpWork QuantizedEmbeddingOp::getWork(DynamicSize size) {
  OpWork work;
  work.f32 = LetterSizes(shapesOf(*this), size)("B T K");
  return work;
}

/// A row a token.
double QuantizedEmbeddingOp::getBytesRead(OpOperand &operand,
                                          DynamicSize size) {
  double bytes = bytesOf(*this, operand.get(), size);
  if (&operand != &getWeightMutable())
    return bytes;
  LetterSizes sizes(shapesOf(*this), size);
  return bytes * std::min(1.0, sizes("B T") / sizes("N"));
}

OpWork ChannelTermsOp::getWork(DynamicSize) {
  formats::Layout layout = layoutOf(getStoredType());
  OpWork work; // the sum of a channel's codes
  work.int8 = static_cast<double>(layout.channels * layout.inputs);
  return work;
}
