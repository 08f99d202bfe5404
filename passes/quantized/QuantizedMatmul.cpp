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

/// The rows of `input` as bytes for weights of `layout`, in `groups`: by an op
/// of the same block, if there is one before `b`'s place.
static QuantizeRowsOp quantizedRows(OpBuilder &b, Location loc, Value input,
                                    const formats::Layout &layout,
                                    int64_t groups) {
  Block::iterator place = b.getInsertionPoint();
  for (Operation *user : input.getUsers()) {
    auto rows = dyn_cast<QuantizeRowsOp>(user);
    if (!rows || rows.getOffset() || rows->getBlock() != b.getInsertionBlock())
      continue;
    auto lastOf = [&](unsigned i) {
      return cast<ShapedType>(rows->getResult(i).getType()).getShape().back();
    };
    bool before =
        place == b.getInsertionBlock()->end() || rows->isBeforeInBlock(&*place);
    if (before && lastOf(0) == layout.depth && lastOf(1) == groups)
      return rows;
  }
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, input);
  auto empty = [&](int64_t last, Type element) -> Value {
    sizes.back() = b.getIndexAttr(last);
    return tensor::EmptyOp::create(b, loc, sizes, element);
  };
  SmallVector<Value> inits = {empty(layout.depth, b.getI8Type()),
                              empty(groups, b.getF32Type()),
                              empty(groups, b.getF32Type())};
  return QuantizeRowsOp::create(b, loc, ValueRange(inits).getTypes(), input,
                                inits, /*offset=*/UnitAttr());
}

Value mlir::marimba::buildQuantizedMatmul(OpBuilder &b, Location loc,
                                          Value input, Value weight, Value bias,
                                          RowScales activations) {
  auto type = cast<RankedTensorType>(weight.getType());
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, input);
  sizes.back() = b.getIndexAttr(type.getDimSize(0));
  Value output = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
  Value scales, sums;
  if (activations != RowScales::None) {
    formats::Layout layout = layoutOf(type);
    int64_t groups = activations == RowScales::OneARow
                         ? 1
                         : layout.depth / activationGroup(layout);
    // What was rounded for products of bf16 is not rounded twice.
    if (auto rounded = input.getDefiningOp<arith::TruncFOp>())
      input = rounded.getIn();
    QuantizeRowsOp rows = quantizedRows(b, loc, input, layout, groups);
    input = rows->getResult(0);
    scales = rows->getResult(1);
    sums = rows->getResult(2);
  }
  auto [stack, matrix] = QuantizedMatrix::of(b, weight);
  return QuantizedMatmulOp::create(
             b, loc, TypeRange(output.getType()), input, scales, sums, stack,
             matrix, bias, ValueRange(), output, TypeAttr::get(stack.getType()),
             b.getArrayAttr({}))
      ->getResult(0);
}
