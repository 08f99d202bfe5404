//===- Numbers.cpp - Floating-point attributes as people write them -------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Numbers.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/SmallString.h"
#include <charconv>

using namespace mlir;
using namespace mlir::marimba;

template <typename T> static std::string shortest(T value) {
  char buffer[64];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return {buffer, end};
}

/// What std::to_chars writes, as MLIR reads it: with a point ("1e-06" would be
/// an integer), and without a sign and zeros that say nothing.
static std::string asLiteral(StringRef text) {
  auto [digits, exponent] = text.split('e');
  std::string literal = digits.str();
  if (!digits.contains('.'))
    literal += ".0";
  if (exponent.empty())
    return literal;
  exponent.consume_front("+");
  literal += exponent.consume_front("-") ? "e-" : "e";
  return literal + exponent.ltrim('0').str();
}

std::string mlir::marimba::numberText(const APFloat &value) {
  if (!value.isFinite()) {
    llvm::SmallString<24> bits;
    value.bitcastToAPInt().toString(bits, 16, /*Signed=*/false,
                                    /*formatAsCLiteral=*/true);
    return bits.str().str();
  }
  if (&value.getSemantics() == &APFloat::IEEEdouble())
    return asLiteral(shortest(value.convertToDouble()));
  // MLIR reads f64 and rounds: where that gives another number, in full.
  float single = value.convertToFloat();
  std::string text = shortest(single);
  double read = 0;
  std::from_chars(text.data(), text.data() + text.size(), read);
  if (static_cast<float>(read) != single)
    text = shortest(static_cast<double>(single));
  return asLiteral(text);
}

ParseResult mlir::marimba::parseNumber(OpAsmParser &parser, FloatAttr &number) {
  return parser.parseAttribute(number, parser.getBuilder().getF64Type());
}

void mlir::marimba::printNumber(OpAsmPrinter &printer, Operation *,
                                FloatAttr number) {
  printer << numberText(number.getValue());
}

ParseResult mlir::marimba::parseAttributes(OpAsmParser &parser,
                                           NamedAttrList &attributes,
                                           StringRef op) {
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseOptionalAttrDict(attributes))
    return failure();
  OperationName name(op, parser.getContext());
  return name.verifyInherentAttrs(attributes, [&] {
    return parser.emitError(loc) << "'" << op << "' op ";
  });
}

static void printValue(OpAsmPrinter &printer, Attribute value) {
  auto number = dyn_cast<FloatAttr>(value);
  if (number && (number.getType().isF32() || number.getType().isF64())) {
    printer << numberText(number.getValue()) << " : " << number.getType();
    return;
  }
  auto numbers = dyn_cast<DenseF32ArrayAttr>(value);
  if (!numbers || numbers.empty()) {
    printer.printAttribute(value);
    return;
  }
  printer << "array<f32: ";
  llvm::interleaveComma(numbers.asArrayRef(), printer, [&](float element) {
    printer << numberText(APFloat(element));
  });
  printer << ">";
}

void mlir::marimba::printAttributes(OpAsmPrinter &printer, Operation *,
                                    DictionaryAttr attributes, StringRef) {
  // How many operands a variadic one has follows from the format.
  SmallVector<NamedAttribute> shown;
  for (NamedAttribute attribute : attributes)
    if (attribute.getName() != "operandSegmentSizes")
      shown.push_back(attribute);
  if (shown.empty())
    return;
  printer << "{";
  llvm::interleaveComma(shown, printer, [&](NamedAttribute attribute) {
    printer.printKeywordOrString(attribute.getName());
    if (isa<UnitAttr>(attribute.getValue()))
      return;
    printer << " = ";
    printValue(printer, attribute.getValue());
  });
  printer << "}";
}
