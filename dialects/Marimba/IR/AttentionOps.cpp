//===- AttentionOps.cpp - Attention over a cache --------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/OpDefinitions.h"

using namespace mlir;
using namespace mlir::marimba;

static Type elementOf(Value value) {
  return cast<ShapedType>(value.getType()).getElementType();
}

ParseResult mlir::marimba::parseAttentionTypes(OpAsmParser &parser, Type &query,
                                               Type &key, Type &value,
                                               Type &past) {
  if (parser.parseType(query) || parser.parseComma() || parser.parseType(key) ||
      parser.parseComma() || parser.parseType(past))
    return failure();
  if (failed(parser.parseOptionalComma()))
    return success();
  value = past;
  return parser.parseType(past);
}

void mlir::marimba::printAttentionTypes(OpAsmPrinter &printer, Operation *,
                                        Type query, Type key, Type value,
                                        Type past) {
  printer << query << ", " << key << ", ";
  if (value)
    printer << value << ", ";
  printer << past;
}

/// A destination, or null where there are not so many.
static Value initOf(AttentionOp op, size_t index) {
  return index < op.getInits().size() ? op.getInits()[index] : Value();
}

/// Destinations beside the output are one cache, or keys and values.
static size_t cacheCount(AttentionOp op) { return op.getValue() ? 2 : 1; }

Value AttentionOp::getKeyScales() {
  return initOf(*this, 1 + cacheCount(*this));
}

Value AttentionOp::getValueScales() {
  return initOf(*this, 2 * cacheCount(*this));
}

int64_t AttentionOp::getValueSize() {
  return cast<ShapedType>(getOutput().getType()).getDimSize(3);
}

/// The types of the destinations: one of all caches, f32 of all else.
static LogicalResult verifyElements(AttentionOp op) {
  auto expect = [&](StringRef name, Value value, Type type) -> LogicalResult {
    if (!value || elementOf(value) == type)
      return success();
    return op.emitOpError() << name << " has elements of type "
                            << elementOf(value) << ", expected " << type;
  };
  Type f32 = Float32Type::get(op.getContext());
  return success(succeeded(expect("output", op.getOutput(), f32)) &&
                 succeeded(expect("value_cache", op.getValueCache(),
                                  elementOf(op.getKeyCache()))) &&
                 succeeded(expect("key_scales", op.getKeyScales(), f32)) &&
                 succeeded(expect("value_scales", op.getValueScales(), f32)));
}

OpShapes mlir::marimba::shapesOf(AttentionOp op) {
  OpShapes shapes{.values = {{"query", op.getQuery(), "B T Hq dh"},
                             {"key", op.getKey(), "B T Hkv dh"},
                             {"past", op.getPast(), "B"},
                             {"valid", op.getValid(), "B"}}};
  auto add = [&](StringRef name, Value value, StringRef letters) {
    shapes.values.push_back({name, value, letters.str()});
  };
  if (op.getValue()) {
    add("value", op.getValue(), "B T Hkv dh");
    add("output", op.getOutput(), "B T Hq dh");
    add("key_cache", op.getKeyCache(), "B Hkv C dh");
    add("value_cache", op.getValueCache(), "B Hkv C dh");
    add("key_scales", op.getKeyScales(), "B Hkv C");
    add("value_scales", op.getValueScales(), "B Hkv C");
  } else {
    add("output", op.getOutput(), "B T Hq dv");
    add("key_cache", op.getKeyCache(), "B Hkv C dh");
    add("key_scales", op.getKeyScales(), "B Hkv C");
  }
  if (op.getValid())
    shapes.indices.push_back({"valid", op.getValid(), "T", /*offset=*/1});
  shapes.indices.push_back({.name = "past",
                            .values = op.getPast(),
                            .letter = "C",
                            .offset = 1,
                            .plus = op.getValid(),
                            .plusLetter = "T"});
  return shapes;
}

LogicalResult AttentionOp::verify() {
  SmallVector<StringRef> names{"output", "key_cache"};
  if (getValue())
    names.push_back("value_cache");
  // Codes mean nothing without their scales.
  if (getInits().size() > 1 && elementOf(getInits()[1]).isInteger(8)) {
    names.push_back("key_scales");
    if (getValue())
      names.push_back("value_scales");
  }
  if (failed(verifyDestination(*this, names)) || failed(verifyElements(*this)))
    return failure();
  ShapeChecker shapes(*this);
  shapes.check(shapesOf(*this))
      .requireStatic("Hq")
      .requireStatic("Hkv")
      .requireStatic("dh");
  if (!getValue())
    shapes.requireStatic("dv").require(
        shapes.get("dv") <= shapes.get("dh"),
        "has outputs of " + Twine(shapes.get("dv")) +
            " elements (dv), expected at most the " + Twine(shapes.get("dh")) +
            " of a key (dh)");
  int64_t heads = shapes.get("Hq"), groups = shapes.get("Hkv");
  if (!ShapedType::isDynamic(heads) && !ShapedType::isDynamic(groups))
    shapes.require(heads > 0, "has 0 query heads (Hq), expected at least 1")
        .require(groups > 0 && heads % groups == 0,
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

OpWork AttentionOp::getWork(DynamicSize size) {
  LetterSizes sizes(shapesOf(*this), size);
  OpWork work; // the score and its value's part in the sum
  work.f32PerPair =
      2 * sizes("Hq dh") + 2 * sizes(getValue() ? "Hq dh" : "Hq dv");
  work.expsPerPair = sizes("Hq") * (getSoftcap() ? 2 : 1);
  work.window = getWindow().value_or(0);
  return work;
}
