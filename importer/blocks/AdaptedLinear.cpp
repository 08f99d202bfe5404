//===- AdaptedLinear.cpp - Projections with low-rank adapters ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "importer/blocks/Blocks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace mlir::marimba {

Value emitAdaptedLinear(LayerScope &scope, Value input, StringRef name) {
  std::string down = (name + kAdapterDown).str(),
              up = (name + kAdapterUp).str();
  Value result = emitLinear(scope, input, name);
  if (!scope.weight(down))
    return result;
  Value adapted = emitLinear(scope, emitLinear(scope, input, down), up);
  return arith::AddFOp::create(scope.builder, scope.loc(name), result, adapted);
}

Value emitGeluFeedForward(LayerScope &scope, Value h) {
  OpBuilder &b = scope.builder;
  Value both = emitAdaptedLinear(scope, h, "gate_up_proj");
  int64_t size = cast<RankedTensorType>(both.getType()).getDimSize(2) / 2;
  Value gate = GeluOp::create(b, scope.loc("gelu"),
                              sliceChannels(scope, "gate", both, 0, size));
  Value up = sliceChannels(scope, "up", both, size, size);
  Value gated = arith::MulFOp::create(b, scope.loc("gated"), gate, up);
  return emitLinear(scope, gated, "down_proj");
}

} // namespace mlir::marimba
