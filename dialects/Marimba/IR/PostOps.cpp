//===- PostOps.cpp - [silu, mul(%m : type)] -------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/PostOps.h"

#include "dialects/Marimba/IR/Numbers.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::marimba;

bool mlir::marimba::takesOperand(PostOpKind kind) {
  return kind == PostOpKind::Mul || kind == PostOpKind::Add;
}

SmallVector<PostOpKind> mlir::marimba::postOpKindsOf(ArrayAttr postOps) {
  return llvm::map_to_vector(postOps, [](Attribute attribute) {
    return isa<FloatAttr>(attribute)
               ? PostOpKind::Scale
               : cast<PostOpKindAttr>(attribute).getValue();
  });
}

bool mlir::marimba::hasSum(ArrayAttr postOps) {
  return llvm::is_contained(postOpKindsOf(postOps), PostOpKind::Sum);
}

ArrayAttr mlir::marimba::withPostOp(ArrayAttr postOps, PostOpKind kind) {
  SmallVector<Attribute> kinds(postOps.begin(), postOps.end());
  kinds.push_back(PostOpKindAttr::get(postOps.getContext(), kind));
  return ArrayAttr::get(postOps.getContext(), kinds);
}

double mlir::marimba::factorOf(Attribute postOp) {
  auto factor = dyn_cast<FloatAttr>(postOp);
  return factor ? factor.getValueAsDouble() : 1;
}

ArrayAttr mlir::marimba::withScale(ArrayAttr postOps, FloatAttr factor) {
  SmallVector<Attribute> kinds(postOps.begin(), postOps.end());
  kinds.push_back(factor);
  return ArrayAttr::get(postOps.getContext(), kinds);
}

ParseResult mlir::marimba::parsePostOps(
    OpAsmParser &parser, ArrayAttr &postOps,
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
             << "post-op is '" << word
             << "', expected sum, silu, mul, add, scale or relu2";
    if (kind == PostOpKind::Scale) {
      FloatAttr factor;
      if (parser.parseLParen() || parseNumber(parser, factor) ||
          parser.parseRParen())
        return failure();
      kinds.push_back(factor);
      return success();
    }
    kinds.push_back(PostOpKindAttr::get(parser.getContext(), *kind));
    if (!takesOperand(*kind))
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

void mlir::marimba::printPostOps(OpAsmPrinter &printer, Operation *op,
                                 ArrayAttr postOps, OperandRange operands,
                                 TypeRange) {
  size_t next = 0;
  printer << '[';
  llvm::interleaveComma(postOps, printer, [&](Attribute postOp) {
    if (auto factor = dyn_cast<FloatAttr>(postOp)) {
      printer << stringifyPostOpKind(PostOpKind::Scale) << '(';
      printNumber(printer, op, factor);
      printer << ')';
      return;
    }
    PostOpKind kind = cast<PostOpKindAttr>(postOp).getValue();
    printer << stringifyPostOpKind(kind);
    if (!takesOperand(kind) || next >= operands.size())
      return;
    Value operand = operands[next++];
    printer << '(' << operand << " : " << operand.getType() << ')';
  });
  printer << ']';
}

void mlir::marimba::requireUnitStride(ShapeChecker &shapes, StringRef name,
                                      Value value) {
  if (auto type = dyn_cast<MemRefType>(value.getType()))
    shapes.require(type.isLastDimUnitStride(),
                   name + " is strided in its last dimension, expected stride "
                          "1");
}

void mlir::marimba::checkPostOps(PostOpsInterface op, ShapeChecker &shapes,
                                 StringRef letters) {
  SmallVector<PostOpKind> kinds = op.getPostOpKinds();
  auto operands = static_cast<size_t>(
      llvm::count_if(kinds, [](auto kind) { return takesOperand(kind); }));
  constexpr size_t most = PostOpsInterface::kMostPostOps;
  shapes
      .require(kinds.size() <= most, "has " + Twine(kinds.size()) +
                                         " post-ops, expected at most " +
                                         Twine(most))
      .require(llvm::count(kinds, PostOpKind::Sum) <= 1,
               "has the post-op sum twice, expected it once at most")
      .require(op.canScale() || !llvm::is_contained(kinds, PostOpKind::Scale),
               "has the post-op scale, expected sum, silu, mul, add or relu2")
      .require(llvm::none_of(op.getPostOps(),
                             [](Attribute postOp) {
                               auto kind = dyn_cast<PostOpKindAttr>(postOp);
                               return kind &&
                                      kind.getValue() == PostOpKind::Scale;
                             }),
               "has the post-op scale without a factor")
      .require(operands == op.getPostOperands().size(),
               "has " + Twine(op.getPostOperands().size()) +
                   " operands of post-ops, expected " + Twine(operands) +
                   ": one for each mul and add");
  for (Value operand : op.getPostOperands()) {
    shapes.check("operand of a post-op", operand, letters);
    requireUnitStride(shapes, "operand of a post-op", operand);
  }
}
