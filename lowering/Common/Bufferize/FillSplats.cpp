//===- FillSplats.cpp - Large constants of one value ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/Bufferize/FillSplats.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

/// Bytes up to which a constant stays one: reading it costs a load, no loop.
static constexpr int64_t kLargestSplat = 16 * 1024;

static bool isLargeSplat(arith::ConstantOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getType());
  if (!type || !isa<SplatElementsAttr>(op.getValue()))
    return false;
  Type element = type.getElementType();
  int64_t bytes =
      element.isIndex() ? 8 : (element.getIntOrFloatBitWidth() + 7) / 8;
  return type.getNumElements() > kLargestSplat / bytes;
}

/// Each reader gets a fill of its own: one that writes to it needs no copy.
static void fill(arith::ConstantOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  auto value =
      cast<SplatElementsAttr>(op.getValue()).getSplatValue<Attribute>();
  OpBuilder b(op);
  Location loc = op.getLoc();
  while (!op->use_empty()) {
    Operation *user = *op->user_begin();
    Value number = arith::ConstantOp::create(b, loc, cast<TypedAttr>(value));
    Value empty =
        tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
    auto filled = linalg::FillOp::create(b, loc, number, empty);
    user->replaceUsesOfWith(op, filled.getResult(0));
  }
  op.erase();
}

void mlir::marimba::fillSplats(func::FuncOp func) {
  SmallVector<arith::ConstantOp> constants;
  func.walk([&](arith::ConstantOp op) {
    if (isLargeSplat(op))
      constants.push_back(op);
  });
  for (arith::ConstantOp op : constants)
    fill(op);
}
