//===- QuantizedParts.cpp - Views of a quantised matrix ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/Builders/QuantizedParts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::marimba;
using ::marimba::formats::Offset;
using ::marimba::formats::PartKind;

QuantizedParts::QuantizedParts(KernelBuilder &b, Value bytes,
                               RankedTensorType stored, Value matrix)
    : layout(layoutOf(stored)), b(b) {
  Value base =
      matrix ? b.muli(matrix, b.index(layout.matrixBytes())) : b.index(0);
  auto view = [&](int64_t offset, ArrayRef<int64_t> shape,
                  Type element) -> Value {
    return memref::ViewOp::create(b, MemRefType::get(shape, element), bytes,
                                  b.addi(base, b.index(offset)), ValueRange());
  };
  int64_t channels = formats::Layout::kChannels;
  words = view(0, {layout.blocks, layout.words(), channels}, b.getI32Type());
  SmallVector<int64_t> perGroup{layout.blocks, layout.groups, channels};
  Type scale = typeOf(b.getContext(), layout.encoding.scale);
  scales = view(layout.partOffset(PartKind::Scales), perGroup, scale);
  if (layout.encoding.offset == Offset::ZeroPoint)
    zeros = view(layout.partOffset(PartKind::Zeros), perGroup, b.getI8Type());
  if (layout.encoding.offset == Offset::Minimum)
    minimums = view(layout.partOffset(PartKind::Minimums), perGroup, scale);
}

Value QuantizedParts::element(Value n, Value k) const {
  auto divide = [&](Value a, int64_t by) -> Value {
    return arith::DivUIOp::create(b, a, b.index(by));
  };
  auto modulo = [&](Value a, int64_t by) -> Value {
    return arith::RemUIOp::create(b, a, b.index(by));
  };
  int64_t perWord = layout.encoding.codesPerWord();
  Value block = divide(n, formats::Layout::kChannels);
  Value lane = modulo(n, formats::Layout::kChannels);
  Value word = memref::LoadOp::create(
      b, words, ValueRange{block, divide(k, perWord), lane});
  // Bit where the code begins: 8 * byte, and 4 more in the high half.
  Value within = modulo(k, perWord);
  Value bit = b.muli(modulo(within, 4), b.index(8));
  if (layout.encoding.bits == 4)
    bit = b.addi(bit, b.muli(divide(within, 4), b.index(4)));
  Value shift = arith::IndexCastOp::create(b, b.getI32Type(), bit);
  Value low = arith::ShRUIOp::create(b, word, shift);
  auto code =
      arith::TruncIOp::create(b, b.getIntegerType(layout.encoding.bits), low);
  Value group = divide(k, layout.group);
  Value scale = b.load(scales, {block, group, lane});
  Type f32 = b.getF32Type();
  if (layout.encoding.isSigned()) {
    Value product = b.mul(arith::SIToFPOp::create(b, f32, code), scale);
    return minimums ? b.add(product, b.load(minimums, {block, group, lane}))
                    : product;
  }
  Value q = arith::UIToFPOp::create(b, f32, code);
  if (minimums)
    return b.add(b.mul(q, scale), b.load(minimums, {block, group, lane}));
  Value zero = b.constant(layout.encoding.center());
  if (zeros)
    zero = arith::UIToFPOp::create(
        b, f32,
        memref::LoadOp::create(b, zeros, ValueRange{block, group, lane}));
  return b.mul(b.sub(q, zero), scale);
}

Value QuantizedParts::zeroPoints(int64_t lanes, Value block, Value group,
                                 Value lane) const {
  if (!zeros) {
    int center = layout.encoding.center();
    return center ? b.broadcast(lanes, b.constant(center)) : Value();
  }
  auto type = VectorType::get({lanes}, b.getI8Type());
  Value loaded =
      vector::LoadOp::create(b, type, zeros, ValueRange{block, group, lane});
  return arith::UIToFPOp::create(b, type.clone(b.getF32Type()), loaded);
}

Value QuantizedParts::loadScales(int64_t lanes, Value block, Value group,
                                 Value lane) const {
  return b.loadVector(lanes, scales, {block, group, lane}, Value());
}

Value QuantizedParts::loadMinimums(int64_t lanes, Value block, Value group,
                                   Value lane) const {
  if (!minimums)
    return {};
  return b.loadVector(lanes, minimums, {block, group, lane}, Value());
}

Value QuantizedParts::unpack(Value words, int64_t j, Value zero) const {
  auto type = cast<VectorType>(words.getType());
  auto f32 = type.clone(b.getF32Type());
  auto splat = [&](int64_t value) {
    return b.splat(type.getNumElements(), value);
  };
  int64_t bits = layout.encoding.bits;
  int64_t bit = 8 * (j % 4) + layout.codeShift(j);
  if (!layout.encoding.isSigned() && !layout.encoding.center()) {
    Value low = arith::ShRUIOp::create(b, words, splat(bit));
    Value code = arith::UIToFPOp::create(
        b, f32, arith::AndIOp::create(b, low, splat(15)));
    return zero ? b.sub(code, zero) : code;
  }
  // With its top bit flipped a code around 8 is a signed one around 0.
  if (layout.encoding.center())
    words = arith::XOrIOp::create(b, words, splat(0x88888888));
  Value high = arith::ShLIOp::create(b, words, splat(32 - bits - bit));
  return arith::SIToFPOp::create(
      b, f32, arith::ShRSIOp::create(b, high, splat(32 - bits)));
}

Value QuantizedParts::addBytes(Value words, Value sum) const {
  Type type = words.getType();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(
        b, isa<VectorType>(type)
               ? TypedAttr(DenseElementsAttr::get(cast<VectorType>(type),
                                                  APInt(32, value)))
               : TypedAttr(b.getI32IntegerAttr(value)));
  };
  for (int64_t j = 0; j < 4; ++j) {
    Value byte = arith::ShLIOp::create(b, words, constant(24 - 8 * j));
    byte = arith::ShRSIOp::create(b, byte, constant(24));
    sum = arith::AddIOp::create(b, sum, byte);
  }
  return sum;
}
