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
  }
  llvm_unreachable("unknown type of scales");
}

RankedTensorType
mlir::marimba::quantizedType(MLIRContext *context, ArrayRef<int64_t> shape,
                             const formats::Encoding &encoding) {
  return RankedTensorType::get(
      shape, IntegerType::get(context, encoding.bits),
      QuantizedAttr::get(context, encoding.group,
                         typeOf(context, encoding.scale), encoding.offset));
}

formats::Layout mlir::marimba::layoutOf(RankedTensorType type) {
  auto attr = cast<QuantizedAttr>(type.getEncoding());
  formats::Encoding encoding;
  encoding.bits = static_cast<int>(type.getElementTypeBitWidth());
  encoding.group = attr.getGroup();
  encoding.offset = attr.getOffset();
  encoding.scale = attr.getScale().isF32()   ? formats::Scalar::F32
                   : attr.getScale().isF16() ? formats::Scalar::F16
                                             : formats::Scalar::BF16;
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
// <group 32, scale f16, minimum>
//===----------------------------------------------------------------------===//

Attribute QuantizedAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  int64_t group = 0;
  Type scale;
  if (parser.parseLess())
    return {};
  if (failed(parser.parseOptionalKeyword("channel")) &&
      (parser.parseKeyword("group") || parser.parseInteger(group)))
    return {};
  if (parser.parseComma() || parser.parseKeyword("scale") ||
      parser.parseType(scale))
    return {};
  auto offset = Offset::None;
  if (succeeded(parser.parseOptionalComma())) {
    if (succeeded(parser.parseOptionalKeyword("minimum")))
      offset = Offset::Minimum;
    else if (succeeded(parser.parseKeyword("zero_point")))
      offset = Offset::ZeroPoint;
    else
      return {};
  }
  if (parser.parseGreater())
    return {};
  return parser.getChecked<QuantizedAttr>(loc, parser.getContext(), group,
                                          scale, offset);
}

void QuantizedAttr::print(AsmPrinter &printer) const {
  printer << '<';
  if (getGroup())
    printer << "group " << getGroup();
  else
    printer << "channel";
  printer << ", scale " << getScale();
  if (getOffset() == Offset::ZeroPoint)
    printer << ", zero_point";
  if (getOffset() == Offset::Minimum)
    printer << ", minimum";
  printer << '>';
}

LogicalResult
QuantizedAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                      int64_t group, Type scale, Offset) {
  if (group != 0 && group != 32 && group != 64 && group != 128)
    return emitError() << "group is " << group << ", expected 32, 64 or 128";
  if (!scale.isF32() && !scale.isBF16() && !scale.isF16())
    return emitError() << "scale is " << scale << ", expected bf16, f16 or f32";
  return success();
}

LogicalResult QuantizedAttr::verifyEncoding(
    ArrayRef<int64_t> shape, Type elementType,
    llvm::function_ref<InFlightDiagnostic()> emitError) const {
  if (!elementType.isInteger(8) && !elementType.isInteger(4))
    return emitError() << "quantised elements are " << elementType
                       << ", expected i8 or i4";
  if (getOffset() == Offset::ZeroPoint && !elementType.isInteger(4))
    return emitError() << "zero points with elements of " << elementType
                       << ", expected i4";
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
