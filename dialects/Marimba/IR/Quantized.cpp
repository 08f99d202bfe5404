//===- Quantized.cpp - The encoding of quantised weights ------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Quantized.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::marimba;
using ::marimba::formats::CodeValues;
using ::marimba::formats::Offset;

bool mlir::marimba::isQuantized(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa_and_nonnull<QuantizedAttr>(tensor.getEncoding());
}

Type mlir::marimba::typeOf(MLIRContext *context, formats::Scalar scalar) {
  switch (scalar) {
  case formats::Scalar::F32:
    return Float32Type::get(context);
  case formats::Scalar::F16:
    return Float16Type::get(context);
  case formats::Scalar::BF16:
    return BFloat16Type::get(context);
  case formats::Scalar::E8M0:
    return Float8E8M0FNUType::get(context);
  case formats::Scalar::E4M3:
    return Float8E4M3FNType::get(context);
  }
  llvm_unreachable("unknown type of scales");
}

static std::optional<formats::Scalar> scalarOf(Type type) {
  using formats::Scalar;
  for (Scalar scalar :
       {Scalar::F32, Scalar::F16, Scalar::BF16, Scalar::E8M0, Scalar::E4M3})
    if (typeOf(type.getContext(), scalar) == type)
      return scalar;
  return std::nullopt;
}

RankedTensorType
mlir::marimba::quantizedType(MLIRContext *context, ArrayRef<int64_t> shape,
                             const formats::Encoding &encoding) {
  return RankedTensorType::get(
      shape, IntegerType::get(context, encoding.bits),
      QuantizedAttr::get(context, encoding.group,
                         typeOf(context, encoding.scale), encoding.offset,
                         encoding.superBlock, encoding.values));
}

formats::Layout mlir::marimba::layoutOf(RankedTensorType type) {
  auto attr = cast<QuantizedAttr>(type.getEncoding());
  formats::Encoding encoding;
  encoding.bits = static_cast<int>(type.getElementTypeBitWidth());
  encoding.group = attr.getGroup();
  encoding.offset = attr.getOffset();
  encoding.superBlock = attr.getSuperBlock();
  encoding.values = attr.getValues();
  encoding.scale = *scalarOf(attr.getScale()); // verified
  ArrayRef<int64_t> shape = type.getShape();
  int64_t matrices = 1;
  for (int64_t size : shape.drop_back(2))
    matrices *= size;
  return formats::Layout::of(encoding, shape[shape.size() - 2], shape.back(),
                             matrices);
}

RankedTensorType mlir::marimba::bytesOfQuantized(RankedTensorType type) {
  return RankedTensorType::get(layoutOf(type).bytes(),
                               IntegerType::get(type.getContext(), 8));
}

//===----------------------------------------------------------------------===//
// QuantizedAttr: <group 64, scale bf16, zero_point>, <channel, scale f32>,
// <group 32, scale f16 per 256, minimum>, <group 32, scale f16, values iq4_nl>
//===----------------------------------------------------------------------===//

Attribute QuantizedAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  int64_t group = 0, superBlock = 0;
  Type scale;
  if (parser.parseLess())
    return {};
  if (failed(parser.parseOptionalKeyword("channel")) &&
      (parser.parseKeyword("group") || parser.parseInteger(group)))
    return {};
  if (parser.parseComma() || parser.parseKeyword("scale") ||
      parser.parseType(scale))
    return {};
  if (succeeded(parser.parseOptionalKeyword("per")) &&
      parser.parseInteger(superBlock))
    return {};
  auto offset = Offset::None;
  auto values = CodeValues::Integer;
  while (succeeded(parser.parseOptionalComma())) {
    StringRef word;
    SMLoc at = parser.getCurrentLocation();
    if (parser.parseKeyword(&word))
      return {};
    if (word == "minimum") {
      offset = Offset::Minimum;
    } else if (word == "zero_point") {
      offset = Offset::ZeroPoint;
    } else if (word == "values") {
      if (parser.parseKeyword(&word))
        return {};
      auto found = formats::parseCodeValues(word);
      if (!found) {
        parser.emitError(at)
            << "values are '" << word
            << "', expected e2m1, iq4_nl, e4m3, iq1_s, iq1_m, iq2_xxs, iq2_xs, "
               "iq2_s, iq3_xxs or iq3_s";
        return {};
      }
      values = *found;
    } else {
      parser.emitError(at) << "found '" << word
                           << "', expected minimum, zero_point or values";
      return {};
    }
  }
  if (parser.parseGreater())
    return {};
  return parser.getChecked<QuantizedAttr>(loc, parser.getContext(), group,
                                          scale, offset, superBlock, values);
}

void QuantizedAttr::print(AsmPrinter &printer) const {
  printer << '<';
  if (getGroup())
    printer << "group " << getGroup();
  else
    printer << "channel";
  printer << ", scale " << getScale();
  if (getSuperBlock())
    printer << " per " << getSuperBlock();
  if (getOffset() == Offset::ZeroPoint)
    printer << ", zero_point";
  if (getOffset() == Offset::Minimum)
    printer << ", minimum";
  if (getValues() != CodeValues::Integer)
    printer << ", values " << formats::codeValuesName(getValues());
  printer << '>';
}

LogicalResult
QuantizedAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                      int64_t group, Type scale, Offset offset,
                      int64_t superBlock, CodeValues values) {
  if (group != 0 && group != 16 && group != 32 && group != 64 && group != 128)
    return emitError() << "group is " << group
                       << ", expected 16, 32, 64 or 128";
  if (!scalarOf(scale))
    return emitError() << "scale is " << scale
                       << ", expected bf16, f16, f32, f8E8M0FNU or f8E4M3FN";
  if (superBlock != 0 && (superBlock != 256 || group == 0))
    return emitError() << "super-blocks have " << superBlock
                       << " inputs, expected 256, with groups in them";
  if (values != CodeValues::Integer && offset == Offset::ZeroPoint)
    return emitError() << "zero points with values of "
                       << formats::codeValuesName(values)
                       << ", expected codes that are integers";
  const formats::GridCodes *codes = formats::gridCodes(values);
  if (codes && (group != codes->group || !scale.isF16() || superBlock != 256 ||
                offset != Offset::None))
    return emitError() << "values of " << formats::codeValuesName(values)
                       << ", expected them with group " << codes->group
                       << ", scale f16 per 256 and nothing else";
  return success();
}

LogicalResult QuantizedAttr::verifyEncoding(
    ArrayRef<int64_t> shape, Type elementType,
    llvm::function_ref<InFlightDiagnostic()> emitError) const {
  const formats::GridCodes *codes = formats::gridCodes(getValues());
  bool known = llvm::any_of(ArrayRef{2, 3, 4, 5, 6, 8}, [&](int bits) {
    return elementType.isInteger(unsigned(bits));
  });
  if (!known && !(codes && elementType.isInteger(1)))
    return emitError() << "quantised elements are " << elementType
                       << ", expected i8, i6, i5, i4, i3 or i2";
  unsigned bits = elementType.getIntOrFloatBitWidth();
  unsigned wanted = getValues() == CodeValues::Integer ? bits
                    : codes                            ? unsigned(codes->bits)
                    : getValues() == CodeValues::E4M3  ? 8
                                                       : 4;
  if (bits != wanted)
    return emitError() << "elements of " << elementType << " with values of "
                       << formats::codeValuesName(getValues()) << ", expected i"
                       << wanted;
  if (shape.size() < 2)
    return emitError() << "quantised tensor has rank " << shape.size()
                       << ", expected a matrix or a stack of them";
  // Offsets in bytes, with all padding and scales, fit 64 bits.
  uint64_t elements = 1;
  for (int64_t size : shape) {
    if (size <= 0 || ShapedType::isDynamic(size))
      return emitError() << "quantised tensor has a dimension that is "
                         << (ShapedType::isDynamic(size) ? "dynamic" : "empty")
                         << ", expected static sizes";
    elements = llvm::SaturatingMultiply(elements, uint64_t(size));
  }
  if (elements > uint64_t(1) << 44)
    return emitError() << "quantised tensor has " << elements
                       << " elements, expected at most 2^44";
  return success();
}
