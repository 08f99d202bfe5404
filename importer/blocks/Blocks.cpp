//===- Blocks.cpp - What all parts of layers share --------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/Blocks.h"
#include "dialects/Marimba/IR/Marimba.h"
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

Value emitLinear(LayerScope &scope, Value input, StringRef name) {
  Value weight = scope.weight(name);
  Value bias = scope.weight((name + ".bias").str());
  if (scope.onProjection)
    scope.onProjection(name, input);
  int64_t out = cast<RankedTensorType>(weight.getType()).getDimSize(0);
  return LinearOp::create(scope.builder, scope.loc(name), scope.activation(out),
                          input, weight, bias);
}

Value emitNorm(LayerScope &scope, Value input, StringRef name, double epsilon) {
  return RMSNormOp::create(scope.builder, scope.loc(name), input.getType(),
                           input, scope.weight(name),
                           scope.builder.getF64FloatAttr(epsilon));
}

Value emitResidual(LayerScope &scope, Value x, Value y, StringRef part) {
  return arith::AddFOp::create(scope.builder, scope.loc(part), x, y);
}

} // namespace mlir::marimba
