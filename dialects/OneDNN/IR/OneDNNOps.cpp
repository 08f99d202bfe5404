//===- OneDNNOps.cpp - Post-ops, verifiers, folders -----------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Quantized.h"
#include "dialects/Marimba/IR/Verify.h"
#include "dialects/OneDNN/IR/OneDNN.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::onednn;

//===----------------------------------------------------------------------===//
// [sum, mul(%m : type)]
//===----------------------------------------------------------------------===//

static ParseResult
parsePostOps(OpAsmParser &parser, ArrayAttr &postOps,
             SmallVectorImpl<OpAsmParser::UnresolvedOperand> &operands,
             SmallVectorImpl<Type> &types) {
  SmallVector<Attribute> kinds;
  auto parseOne = [&]() -> ParseResult {
    StringRef word;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&word))
      return failure();
    std::optional<PostOpKind> kind = symbolizePostOpKind(word);
    if (!kind)
      return parser.emitError(loc)
             << "post-op is '" << word << "', expected sum, silu, mul or add";
    kinds.push_back(PostOpKindAttr::get(parser.getContext(), *kind));
    if (!MatmulOp::takesOperand(*kind))
      return success();
    return failure(
        parser.parseLParen() || parser.parseOperand(operands.emplace_back()) ||
        parser.parseColonType(types.emplace_back()) || parser.parseRParen());
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseOne))
    return failure();
  postOps = parser.getBuilder().getArrayAttr(kinds);
  return success();
}

static void printPostOps(OpAsmPrinter &printer, MatmulOp op, ArrayAttr,
                         OperandRange operands, TypeRange) {
  size_t next = 0;
  printer << '[';
  llvm::interleaveComma(op.getPostOpKinds(), printer, [&](PostOpKind kind) {
    printer << stringifyPostOpKind(kind);
    if (!MatmulOp::takesOperand(kind) || next >= operands.size())
      return;
    Value operand = operands[next++];
    printer << '(' << operand << " : " << operand.getType() << ')';
  });
  printer << ']';
}

#define GET_OP_CLASSES
#include "dialects/OneDNN/IR/OneDNNOps.cpp.inc"

//===----------------------------------------------------------------------===//
// MatmulOp
//===----------------------------------------------------------------------===//

void MatmulOp::build(OpBuilder &builder, OperationState &state, Value input,
                     Value weight, Value bias, Value init) {
  SmallVector<Type> results;
  if (isa<RankedTensorType>(init.getType()))
    results.push_back(init.getType());
  build(builder, state, results, input, weight, bias, /*postOperands=*/{},
        ValueRange{init}, builder.getArrayAttr({}), UnitAttr());
}

SmallVector<PostOpKind> MatmulOp::getPostOpKinds() {
  return llvm::map_to_vector(getPostOps(), [](Attribute attribute) {
    return cast<PostOpKindAttr>(attribute).getValue();
  });
}

bool MatmulOp::readsDestination() {
  return llvm::is_contained(getPostOpKinds(), PostOpKind::Sum);
}

void MatmulOp::appendPostOp(PostOpKind kind, Value operand) {
  SmallVector<Attribute> kinds(getPostOps().begin(), getPostOps().end());
  kinds.push_back(PostOpKindAttr::get(getContext(), kind));
  setPostOpsAttr(ArrayAttr::get(getContext(), kinds));
  if (operand)
    getPostOperandsMutable().append(operand);
}

/// Rules that both ops have for what may be strided.
static void requireUnitStride(mlir::marimba::ShapeChecker &shapes,
                              StringRef name, Value value) {
  if (auto type = dyn_cast<MemRefType>(value.getType()))
    shapes.require(type.isLastDimUnitStride(),
                   name + " is strided in its last dimension, expected stride "
                          "1");
}

static LogicalResult verifyRank(Operation *op, Value input) {
  int64_t rank = cast<ShapedType>(input.getType()).getRank();
  if (rank == 2 || rank == 3)
    return success();
  return op->emitOpError() << "input has rank " << rank << ", expected 2 or 3";
}

LogicalResult MatmulOp::verify() {
  if (failed(marimba::verifyDestination(*this, {"output"})) ||
      failed(verifyRank(*this, getInput())))
    return failure();
  Value output = getInits()[0];
  std::string outputLetters = marimba::lettersWithLast(getInput(), "N");
  marimba::ShapeChecker shapes(*this);
  shapes.check("input", getInput(), marimba::lettersWithLast(getInput(), "K"))
      .check("weight", getWeight(), getComputed() ? "K N" : "N K")
      .check("bias", getBias(), "N")
      .check("output", output, outputLetters)
      .requireStatic("N")
      .requireStatic("K");
  requireUnitStride(shapes, "input", getInput());
  requireUnitStride(shapes, "output", output);
  Type x = getElementTypeOrSelf(getInput().getType());
  Type y = getElementTypeOrSelf(output.getType());
  Type w = getElementTypeOrSelf(getWeight().getType());
  SmallVector<PostOpKind> kinds = getPostOpKinds();
  auto operands = static_cast<size_t>(
      llvm::count_if(kinds, [](auto kind) { return takesOperand(kind); }));
  shapes
      .require(y.isF32() || x.isBF16(),
               "output is bf16 with an f32 input, expected f32")
      .require(!getComputed() || w == x,
               "weight is computed and has other elements than the input, "
               "expected the same")
      .require(!w.isInteger() || marimba::isQuantized(getWeight().getType()),
               "weight is of integers without #marimba.quantized")
      .require(kinds.size() <= kMostPostOps,
               "has " + Twine(kinds.size()) + " post-ops, expected at most " +
                   Twine(kMostPostOps))
      .require(llvm::count(kinds, PostOpKind::Sum) <= 1,
               "has the post-op sum twice, expected it once at most")
      .require(operands == getPostOperands().size(),
               "has " + Twine(getPostOperands().size()) +
                   " operands of post-ops, expected " + Twine(operands) +
                   ": one for each mul and add");
  for (Value operand : getPostOperands()) {
    shapes.check("operand of a post-op", operand, outputLetters);
    requireUnitStride(shapes, "operand of a post-op", operand);
  }
  return shapes.result();
}

//===----------------------------------------------------------------------===//
// PackedMatmulOp
//===----------------------------------------------------------------------===//

LogicalResult PackedMatmulOp::verify() {
  if (failed(marimba::verifyDestination(*this, {"output"})) ||
      failed(verifyRank(*this, getInput())))
    return failure();
  marimba::ShapeChecker shapes(*this);
  shapes.check("input", getInput(), marimba::lettersWithLast(getInput(), "K"))
      .check("weight", getWeight(), "N K")
      .check("bias", getBias(), "N")
      .check("output", getInits()[0], marimba::lettersWithLast(getInput(), "N"))
      .requireStatic("N")
      .requireStatic("K");
  requireUnitStride(shapes, "input", getInput());
  requireUnitStride(shapes, "output", getInits()[0]);
  bool known = getPacked().isF32() || getPacked().isBF16();
  bool rounded = getElementTypeOrSelf(getInput().getType()).isBF16();
  return shapes.require(known, "packed is neither f32 nor bf16")
      .require(!rounded || getPacked().isBF16(),
               "input is bf16 with weights packed as f32, expected f32")
      .result();
}

//===----------------------------------------------------------------------===//
// IntegerMatmulOp
//===----------------------------------------------------------------------===//

LogicalResult IntegerMatmulOp::verify() {
  if (failed(marimba::verifyDestination(*this, {"output"})) ||
      failed(verifyRank(*this, getInput())))
    return failure();
  if (!marimba::isQuantized(getStored()))
    return emitOpError() << "reads its weight as " << getStored()
                         << ", expected a quantised tensor";
  auto layout = marimba::layoutOf(cast<RankedTensorType>(getStored()));
  marimba::ShapeChecker shapes(*this);
  shapes
      .require(layout.encoding.bits == 8,
               "weight has codes of 4 bits, expected 8")
      .require(layout.matrices == 1 || getMatrix(),
               "reads a stack of matrices, expected the index of one")
      .bind("N", layout.channels, "channels of the weight")
      .bind("KP", layout.depth, "padded inputs of the weight")
      .check("input", getInput(), marimba::lettersWithLast(getInput(), "KP"))
      .check("output", getInits()[0],
             marimba::lettersWithLast(getInput(), "N"));
  requireUnitStride(shapes, "input", getInput());
  requireUnitStride(shapes, "output", getInits()[0]);
  return shapes.result();
}

//===----------------------------------------------------------------------===//
// ReorderOp
//===----------------------------------------------------------------------===//

LogicalResult ReorderOp::verify() {
  if (failed(marimba::verifyDestination(*this, {"output"})) ||
      failed(verifyRank(*this, getInput())))
    return failure();
  std::string letters = marimba::lettersWithLast(getInput(), "N");
  marimba::ShapeChecker shapes(*this);
  shapes.check("input", getInput(), letters)
      .check("output", getInits()[0], letters)
      .requireStatic("N");
  requireUnitStride(shapes, "input", getInput());
  requireUnitStride(shapes, "output", getInits()[0]);
  return shapes.result();
}
