//===- FeedForwardBlock.cpp - Gated MLP and mixture of experts --*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "importer/Blocks.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::marimba {

Value emitDenseFeedForward(LayerScope &scope, Value h) {
  Value gate = emitLinear(scope, h, "gate_proj");
  Value up = emitLinear(scope, h, "up_proj");
  Value both = SwiGLUOp::create(scope.builder, scope.loc("swiglu"), gate, up);
  return emitLinear(scope, both, "down_proj");
}

/// Rows [begin, begin + size) of each expert of [E,2I,H].
static Value sliceRows(LayerScope &scope, StringRef part, Value value,
                       int64_t begin, int64_t size) {
  OpBuilder &b = scope.builder;
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> offsets{b.getIndexAttr(0), b.getIndexAttr(begin),
                                    b.getIndexAttr(0)};
  SmallVector<OpFoldResult> sizes{b.getIndexAttr(type.getDimSize(0)),
                                  b.getIndexAttr(size),
                                  b.getIndexAttr(type.getDimSize(2))};
  SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
  auto result = RankedTensorType::get(
      {type.getDimSize(0), size, type.getDimSize(2)}, type.getElementType());
  return tensor::ExtractSliceOp::create(b, scope.loc(part), result, value,
                                        offsets, sizes, strides);
}

Value emitMixtureOfExperts(LayerScope &scope, int64_t topK, Value h,
                           bool normalize) {
  OpBuilder &b = scope.builder;
  Value gate = scope.weight("experts.gate");
  Value up = scope.weight("experts.up");
  if (Value both = scope.weight("experts.gate_up")) {
    int64_t rows = cast<RankedTensorType>(both.getType()).getDimSize(1) / 2;
    gate = sliceRows(scope, "experts.gate", both, 0, rows);
    up = sliceRows(scope, "experts.up", both, rows, rows);
  }

  Value logits = emitLinear(scope, h, "router");
  Location loc = scope.loc("route");
  Value weights = scope.empty(loc, topK);
  Value experts = scope.empty(loc, topK, b.getI32Type());
  auto route =
      RouteOp::create(b, loc, TypeRange{weights.getType(), experts.getType()},
                      logits, ValueRange{weights, experts}, normalize);
  return ExpertsOp::create(b, scope.loc("experts"), h.getType(), h,
                           route->getResult(0), route->getResult(1), gate, up,
                           scope.weight("experts.down"));
}

} // namespace mlir::marimba
