//===- Quantized.cpp - The encoding of quantised weights ------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Quantized.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::marimba;

bool mlir::marimba::isQuantized(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa_and_nonnull<QuantizedAttr>(tensor.getEncoding());
}

//===----------------------------------------------------------------------===//
// QuantizedLayout
//===----------------------------------------------------------------------===//

QuantizedLayout QuantizedLayout::of(int64_t matrices, int64_t channels,
                                    int64_t inputs, unsigned bits,
                                    int64_t group, Type scale, bool zeroPoint) {
  QuantizedLayout layout;
  layout.matrices = matrices;
  layout.channels = channels;
  layout.inputs = inputs;
  layout.bits = bits;
  layout.blocks = llvm::divideCeil(channels, kChannels);
  layout.depth = llvm::alignTo(inputs, std::max(group, kDepth));
  layout.group = group ? group : layout.depth;
  layout.groups = layout.depth / layout.group;
  layout.scale = scale;
  layout.zeroPoint = zeroPoint;
  return layout;
}

QuantizedLayout QuantizedLayout::of(RankedTensorType type) {
  auto format = cast<QuantizedAttr>(type.getEncoding());
  ArrayRef<int64_t> shape = type.getShape();
  int64_t matrices = 1;
  for (int64_t size : shape.drop_back(2))
    matrices *= size;
  return of(matrices, shape[shape.size() - 2], shape.back(),
            type.getElementTypeBitWidth(), format.getGroup(), format.getScale(),
            format.getZeroPoint());
}

RankedTensorType mlir::marimba::bytesOfQuantized(RankedTensorType type) {
  return RankedTensorType::get(QuantizedLayout::of(type).bytes(),
                               IntegerType::get(type.getContext(), 8));
}

//===----------------------------------------------------------------------===//
// QuantizedAttr: <group 64, scale bf16, zero_point>, <channel, scale f32>
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
  bool zeroPoint = false;
  if (succeeded(parser.parseOptionalComma())) {
    if (parser.parseKeyword("zero_point"))
      return {};
    zeroPoint = true;
  }
  if (parser.parseGreater())
    return {};
  return parser.getChecked<QuantizedAttr>(loc, parser.getContext(), group,
                                          scale, zeroPoint);
}

void QuantizedAttr::print(AsmPrinter &printer) const {
  printer << '<';
  if (getGroup())
    printer << "group " << getGroup();
  else
    printer << "channel";
  printer << ", scale " << getScale();
  if (getZeroPoint())
    printer << ", zero_point";
  printer << '>';
}

LogicalResult
QuantizedAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                      int64_t group, Type scale, bool) {
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
  if (getZeroPoint() && !elementType.isInteger(4))
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
