//===- Blocks.cpp - What all parts of layers share --------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/Blocks.h"
#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/IR/ProductAttributes.h"
#include "dialects/Marimba/IR/Quantized.h"
#include "marimba/formats/StaysUnquantized.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::marimba {

LayerScope::LayerScope(OpBuilder &builder, StringRef kind, Value x, Value past,
                       Value valid)
    : builder(builder), x(x), past(past), valid(valid), kind(kind.str()) {
  batch = tensor::DimOp::create(builder, loc("batch"), x, 0);
  time = tensor::DimOp::create(builder, loc("time"), x, 1);
}

Location LayerScope::loc(StringRef part) const {
  // The part alone names the value in dumps, the layer comes after it.
  return NameLoc::get(builder.getStringAttr(part),
                      NameLoc::get(builder.getStringAttr(kind)));
}

RankedTensorType LayerScope::activation(ArrayRef<int64_t> sizes) const {
  SmallVector<int64_t> shape{ShapedType::kDynamic, ShapedType::kDynamic};
  llvm::append_range(shape, sizes);
  return RankedTensorType::get(shape, Float32Type::get(builder.getContext()));
}

SmallVector<OpFoldResult> LayerScope::shape(ArrayRef<int64_t> sizes) const {
  SmallVector<OpFoldResult> dims{batch, time};
  for (int64_t size : sizes)
    dims.push_back(builder.getIndexAttr(size));
  return dims;
}

Value LayerScope::empty(Location loc, ArrayRef<int64_t> sizes, Type element) {
  return tensor::EmptyOp::create(builder, loc, shape(sizes),
                                 element ? element : builder.getF32Type());
}

Value LayerScope::permuted(Value input, StringRef name) {
  Value order = orders.lookup(name);
  if (!order)
    return input;
  Value &result = permutedInputs[{input, order}];
  if (!result)
    result = PermuteChannelsOp::create(builder, loc((name + ".order").str()),
                                       input, order);
  return result;
}

Value emitLinear(LayerScope &scope, Value input, StringRef name) {
  Value weight = scope.weight(name);
  Value bias = scope.weight((name + ".bias").str());
  if (scope.onProjection)
    scope.onProjection(name, input);
  int64_t out = cast<RankedTensorType>(weight.getType()).getDimSize(0);
  auto linear =
      LinearOp::create(scope.builder, scope.loc(name), scope.activation(out),
                       scope.permuted(input, name), weight, bias);
  if (isQuantized(weight.getType()) &&
      ::marimba::formats::staysUnquantized((name + ".weight").str()))
    linear->setAttr(kExactProductsAttr, scope.builder.getUnitAttr());
  return linear;
}

Value emitNorm(LayerScope &scope, Value input, StringRef name, double epsilon,
               int64_t groups, bool zeroCentered) {
  return RMSNormOp::create(scope.builder, scope.loc(name), input,
                           scope.weight(name), epsilon, groups, zeroCentered);
}

Value emitResidual(LayerScope &scope, Value x, Value y, StringRef part) {
  return arith::AddFOp::create(scope.builder, scope.loc(part), x, y);
}

Value sliceChannels(LayerScope &scope, StringRef part, Value value,
                    int64_t begin, int64_t size) {
  OpBuilder &b = scope.builder;
  SmallVector<OpFoldResult> offsets{b.getIndexAttr(0), b.getIndexAttr(0),
                                    b.getIndexAttr(begin)};
  SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(b, scope.loc(part),
                                        scope.activation(size), value, offsets,
                                        scope.shape(size), strides);
}

Value splitChannels(LayerScope &scope, StringRef part, Value value,
                    int64_t outer, int64_t inner) {
  SmallVector<ReassociationIndices> groups{{0}, {1}, {2, 3}};
  return tensor::ExpandShapeOp::create(scope.builder, scope.loc(part),
                                       scope.activation({outer, inner}), value,
                                       groups, scope.shape({outer, inner}));
}

Value joinChannels(LayerScope &scope, StringRef part, Value value) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  SmallVector<ReassociationIndices> groups{{0}, {1}, {2, 3}};
  return tensor::CollapseShapeOp::create(scope.builder, scope.loc(part),
                                         scope.activation(shape[2] * shape[3]),
                                         value, groups);
}

/// One after the other, along the last dimension of [B,T,...].
static Value concatLast(LayerScope &scope, StringRef part, ValueRange values) {
  OpBuilder &b = scope.builder;
  Location loc = scope.loc(part);
  auto sizesOf = [](Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    return SmallVector<int64_t>(type.getShape().drop_front(2));
  };
  SmallVector<int64_t> all = sizesOf(values.front());
  for (Value value : values.drop_front())
    all.back() += sizesOf(value).back();
  Value result = scope.empty(loc, all);
  size_t rank = all.size() + 2;
  SmallVector<OpFoldResult> strides(rank, b.getIndexAttr(1));
  int64_t begin = 0;
  for (Value value : values) {
    SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0));
    offsets.back() = b.getIndexAttr(begin);
    SmallVector<int64_t> sizes = sizesOf(value);
    result = tensor::InsertSliceOp::create(b, loc, value, result, offsets,
                                           scope.shape(sizes), strides);
    begin += sizes.back();
  }
  return result;
}

Value concatChannels(LayerScope &scope, StringRef part, ValueRange values) {
  return concatLast(scope, part, values);
}

Value sliceHeads(LayerScope &scope, StringRef part, Value value, int64_t begin,
                 int64_t size) {
  OpBuilder &b = scope.builder;
  int64_t heads = cast<RankedTensorType>(value.getType()).getDimSize(2);
  SmallVector<OpFoldResult> offsets(4, b.getIndexAttr(0));
  offsets[3] = b.getIndexAttr(begin);
  SmallVector<OpFoldResult> strides(4, b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(
      b, scope.loc(part), scope.activation({heads, size}), value, offsets,
      scope.shape({heads, size}), strides);
}

Value concatHeads(LayerScope &scope, StringRef part, Value x, Value y) {
  return concatLast(scope, part, {x, y});
}

Value emitScaled(OpBuilder &b, Location loc, Value value, double factor) {
  return factor == 1 ? value
                     : ScaleOp::create(b, loc, value.getType(), value,
                                       b.getF64FloatAttr(factor))
                           .getResult();
}

Value emitScaled(LayerScope &scope, Value value, double factor,
                 StringRef part) {
  return emitScaled(scope.builder, scope.loc(part), value, factor);
}

} // namespace mlir::marimba
