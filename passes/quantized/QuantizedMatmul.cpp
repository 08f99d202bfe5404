//===- QuantizedMatmul.cpp - Builds quantized_matmul ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "passes/quantized/QuantizedMatmul.h"

#include "dialects/Marimba/IR/Quantized.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::marimba;

QuantizedMatrix QuantizedMatrix::of(OpBuilder &b, Value weight) {
  auto slice = weight.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice)
    return {weight, Value()};
  return {slice.getSource(),
          getValueOrCreateConstantIndexOp(b, slice.getLoc(),
                                          slice.getMixedOffsets()[0])};
}

bool mlir::marimba::hasFewRows(LinearOp op) {
  ArrayRef<int64_t> shape = op.getInput().getType().getShape();
  return op.getFewRows() || (shape.size() == 3 && shape[1] == 1) ||
         (shape.size() == 2 && !ShapedType::isDynamic(shape[0]));
}

/// Inputs of a group of activations: those of the weight's, or, where that is
/// the whole channel, few enough for one large value to harm few others.
static int64_t activationGroup(const formats::Layout &layout) {
  return layout.group <= 128 ? layout.group : 64;
}

Value mlir::marimba::buildQuantizedMatmul(OpBuilder &b, Location loc,
                                          Value input, Value weight, Value bias,
                                          bool integers) {
  auto type = cast<RankedTensorType>(weight.getType());
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, input);
  auto empty = [&](int64_t last, Type element) -> Value {
    sizes.back() = b.getIndexAttr(last);
    return tensor::EmptyOp::create(b, loc, sizes, element);
  };
  Value scales, sums;
  if (integers) {
    formats::Layout layout = layoutOf(type);
    int64_t groups = layout.depth / activationGroup(layout);
    SmallVector<Value> inits = {empty(layout.depth, b.getI8Type()),
                                empty(groups, b.getF32Type()),
                                empty(groups, b.getF32Type())};
    auto rows = QuantizeRowsOp::create(b, loc, ValueRange(inits).getTypes(),
                                       input, inits, /*offset=*/UnitAttr());
    input = rows->getResult(0);
    scales = rows->getResult(1);
    sums = rows->getResult(2);
  }
  Value output = empty(type.getDimSize(0), b.getF32Type());
  auto [stack, matrix] = QuantizedMatrix::of(b, weight);
  return QuantizedMatmulOp::create(
             b, loc, TypeRange(output.getType()), input, scales, sums, stack,
             matrix, bias, ValueRange(), output, TypeAttr::get(stack.getType()),
             b.getArrayAttr({}))
      ->getResult(0);
}
