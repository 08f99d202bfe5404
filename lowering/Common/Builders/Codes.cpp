//===- Codes.cpp - Values as 8-bit codes and a scale ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/Builders/Codes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace mlir::marimba;

CodeScale mlir::marimba::codeScaleFor(KernelBuilder &b, Value most) {
  Value zero = b.constant(0.0);
  Value scale = b.div(most, b.constant(127.0));
  // Of a denormal scale the inverse would be infinite.
  Value tiny = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, scale,
                                     b.constant(0x1p-126));
  return {b.select(tiny, zero, scale),
          b.select(tiny, zero, b.div(b.constant(1.0), scale))};
}

/// `element`, or a vector of it where `like` is one.
static Type shapedLike(Value like, Type element) {
  auto vector = dyn_cast<VectorType>(like.getType());
  return vector ? Type(vector.clone(element)) : element;
}

Value mlir::marimba::wideCodeOf(KernelBuilder &b, Value x, Value inverse) {
  auto vector = dyn_cast<VectorType>(x.getType());
  auto all = [&](double value) {
    Value constant = b.constant(value);
    return vector ? b.broadcast(vector.getDimSize(0), constant) : constant;
  };
  Value code = math::RoundEvenOp::create(b, b.mul(x, inverse));
  code = arith::MaxNumFOp::create(b, code, all(-127.0));
  code = arith::MinNumFOp::create(b, code, all(127.0));
  return arith::FPToSIOp::create(b, shapedLike(x, b.getI32Type()), code);
}

Value mlir::marimba::codeOf(KernelBuilder &b, Value x, Value inverse) {
  return arith::TruncIOp::create(b, shapedLike(x, b.getI8Type()),
                                 wideCodeOf(b, x, inverse));
}
