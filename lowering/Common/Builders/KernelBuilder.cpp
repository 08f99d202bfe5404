//===- KernelBuilder.cpp - Loops, loads and arithmetic ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/Builders/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::marimba;

//===----------------------------------------------------------------------===//
// Constants and sizes
//===----------------------------------------------------------------------===//

Value KernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}

Value KernelBuilder::constant(double value) {
  return arith::ConstantOp::create(*this, getF32FloatAttr(value));
}

Value KernelBuilder::dim(Value memref, int64_t dimension) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(dimension))
    return index(type.getDimSize(dimension));
  return memref::DimOp::create(*this, memref, dimension);
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value KernelBuilder::addi(Value a, Value b) {
  return createOrFold<arith::AddIOp>(a, b);
}
Value KernelBuilder::subi(Value a, Value b) {
  return createOrFold<arith::SubIOp>(a, b);
}
Value KernelBuilder::muli(Value a, Value b) {
  return createOrFold<arith::MulIOp>(a, b);
}
Value KernelBuilder::mini(Value a, Value b) {
  return createOrFold<arith::MinSIOp>(a, b);
}
Value KernelBuilder::maxi(Value a, Value b) {
  return createOrFold<arith::MaxSIOp>(a, b);
}
Value KernelBuilder::cmpi(bool lessThan, Value a, Value b) {
  return arith::CmpIOp::create(
      *this, lessThan ? arith::CmpIPredicate::slt : arith::CmpIPredicate::sge,
      a, b);
}
Value KernelBuilder::isZero(Value a) {
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::eq, a, index(0));
}

Value KernelBuilder::toFloat(Value index) {
  Value integer = arith::IndexCastOp::create(*this, getI32Type(), index);
  return arith::SIToFPOp::create(*this, getF32Type(), integer);
}

void KernelBuilder::unify(Value &a, Value &b) {
  auto broadcastTo = [&](Value &scalar, Value vector) {
    if (auto type = dyn_cast<VectorType>(vector.getType()))
      if (!isa<VectorType>(scalar.getType()))
        scalar = vector::BroadcastOp::create(*this, type, scalar);
  };
  broadcastTo(a, b);
  broadcastTo(b, a);
}

Value KernelBuilder::add(Value a, Value b) {
  unify(a, b);
  return arith::AddFOp::create(*this, a, b);
}
Value KernelBuilder::sub(Value a, Value b) {
  unify(a, b);
  return arith::SubFOp::create(*this, a, b);
}
Value KernelBuilder::mul(Value a, Value b) {
  unify(a, b);
  return arith::MulFOp::create(*this, a, b);
}
Value KernelBuilder::div(Value a, Value b) {
  unify(a, b);
  return arith::DivFOp::create(*this, a, b);
}
Value KernelBuilder::fma(Value a, Value b, Value c) {
  unify(a, b);
  unify(a, c);
  unify(b, c);
  return math::FmaOp::create(*this, a, b, c);
}
Value KernelBuilder::max(Value a, Value b) {
  unify(a, b);
  return arith::MaximumFOp::create(*this, a, b);
}
Value KernelBuilder::neg(Value a) { return arith::NegFOp::create(*this, a); }
Value KernelBuilder::exp(Value a) { return math::ExpOp::create(*this, a); }
Value KernelBuilder::fastExp(Value a) {
  return math::ExpOp::create(*this, a, arith::FastMathFlags::afn);
}
Value KernelBuilder::exp2(Value a) { return math::Exp2Op::create(*this, a); }

/// `bound` where x compares so to it, else x.
static Value clamp(KernelBuilder &b, Value x, arith::CmpFPredicate beyond,
                   double bound) {
  Value limit = b.constant(bound);
  if (auto vector = dyn_cast<VectorType>(x.getType()))
    limit = vector::BroadcastOp::create(b, vector, limit);
  Value out = arith::CmpFOp::create(b, beyond, x, limit);
  return b.select(out, limit, x);
}

Value KernelBuilder::atLeast(Value x, double bound) {
  return clamp(*this, x, arith::CmpFPredicate::OLT, bound);
}

Value KernelBuilder::atMost(Value x, double bound) {
  return clamp(*this, x, arith::CmpFPredicate::OGT, bound);
}

Value KernelBuilder::polynomial(Value x, ArrayRef<double> c) {
  Value p = constant(c.back());
  for (double next : llvm::reverse(c.drop_back()))
    p = fma(p, x, constant(next));
  return p;
}

Value KernelBuilder::softcap(Value x, double cap) {
  Value bounded = math::TanhOp::create(*this, mul(x, constant(1.0 / cap)));
  return mul(bounded, constant(cap));
}

Value KernelBuilder::silu(Value x) {
  // Minus infinity would be divided by infinity.
  x = atLeast(x, kLeastSilu);
  return div(x, add(fastExp(neg(x)), constant(1.0)));
}

Value KernelBuilder::sigmoid(Value x) {
  return div(constant(1.0), add(fastExp(neg(x)), constant(1.0)));
}

Value KernelBuilder::relu2(Value x) {
  Value positive = max(x, constant(0.0));
  return mul(positive, positive);
}

Value KernelBuilder::gelu(Value x) {
  // Minus infinity would be added to infinity.
  x = atLeast(x, kLeastGelu);
  Value half = mul(x, constant(0.5));
  Value scaled = mul(x, constant(0.70710678118654752));
  return fma(half, math::ErfOp::create(*this, scaled), half);
}

Value KernelBuilder::geluWithTanh(Value x) {
  // 1 + tanh(y) is 2 sigmoid(2 y). Minus infinity would be multiplied by 0;
  // from the bound down the result is 0, or less than f32 tells from it.
  x = atLeast(x, kLeastGeluWithTanh);
  Value cube = mul(mul(x, x), x);
  Value y = mul(fma(cube, constant(0.044715), x),
                constant(2 * 0.79788456080286536)); // sqrt(2 / pi)
  return mul(x, sigmoid(y));
}

Value KernelBuilder::softplus(Value x) {
  Value magnitude = math::AbsFOp::create(*this, x);
  Value tail = math::Log1pOp::create(*this, fastExp(neg(magnitude)),
                                     arith::FastMathFlags::afn);
  return add(max(x, constant(0.0)), tail);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// The type of `value` with other elements.
static Type withElement(Value value, Type element) {
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    return vector.clone(element);
  return element;
}

/// Widens a scalar or vector of a stored type to f32.
static Value widen(ImplicitLocOpBuilder &b, Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  if (element.isF32())
    return value;
  Type wide = withElement(value, b.getF32Type());
  if (element.isInteger())
    return arith::SIToFPOp::create(b, wide, value);
  return arith::ExtFOp::create(b, wide, value);
}

/// Rounds f32 to the float type that `memref` stores.
static Value narrow(ImplicitLocOpBuilder &b, Value value, Value memref) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  if (!getElementTypeOrSelf(value.getType()).isF32() || element.isF32())
    return value;
  return arith::TruncFOp::create(b, withElement(value, element), value);
}

Value KernelBuilder::load(Value memref, ValueRange indices) {
  return widen(*this, memref::LoadOp::create(*this, memref, indices));
}

Value KernelBuilder::loadIndex(Value memref, ValueRange indices) {
  Value loaded = memref::LoadOp::create(*this, memref, indices);
  return arith::IndexCastOp::create(*this, getIndexType(), loaded);
}

void KernelBuilder::store(Value value, Value memref, ValueRange indices) {
  memref::StoreOp::create(*this, narrow(*this, value, memref), memref, indices);
}

void KernelBuilder::storeIndex(Value value, Value memref, ValueRange indices) {
  store(arith::IndexCastOp::create(*this, getI32Type(), value), memref,
        indices);
}

Value KernelBuilder::loadVector(int64_t lanes, Value memref, ValueRange indices,
                                Value mask) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  auto type = VectorType::get({lanes}, element);
  if (!mask)
    return widen(*this, vector::LoadOp::create(*this, type, memref, indices));
  Value off = arith::ConstantOp::create(*this, getZeroAttr(type));
  return widen(*this, vector::MaskedLoadOp::create(*this, type, memref, indices,
                                                   mask, off));
}

void KernelBuilder::storeVector(Value vector, Value memref, ValueRange indices,
                                Value mask) {
  vector = narrow(*this, vector, memref);
  if (!mask)
    vector::StoreOp::create(*this, vector, memref, indices);
  else
    vector::MaskedStoreOp::create(*this, memref, indices, mask, vector);
}

void KernelBuilder::prefetch(Value memref, ValueRange indices,
                             unsigned locality) {
  memref::PrefetchOp::create(*this, memref, indices, /*isWrite=*/false,
                             locality, /*isDataCache=*/true);
}

Value KernelBuilder::tailMask(int64_t lanes, Value count) {
  return vector::CreateMaskOp::create(
      *this, VectorType::get({lanes}, getI1Type()), count);
}

Value KernelBuilder::maskFrom(int64_t lanes, Value first, int64_t count) {
  Value left = maxi(subi(index(count), first), index(0));
  return tailMask(lanes, mini(left, index(lanes)));
}

Value KernelBuilder::like(Value value, int64_t constant) {
  Type type = value.getType();
  auto number = APInt(getElementTypeOrSelf(type).getIntOrFloatBitWidth(),
                      static_cast<uint64_t>(constant), /*isSigned=*/false,
                      /*implicitTrunc=*/true);
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(*this,
                                     DenseElementsAttr::get(vector, number));
  return arith::ConstantOp::create(*this, getIntegerAttr(type, number));
}

Value KernelBuilder::splat(int64_t lanes, int64_t value) {
  auto type = VectorType::get({lanes}, getI32Type());
  return arith::ConstantOp::create(
      *this, DenseElementsAttr::get(type, APInt(32, value, false, true)));
}

Value KernelBuilder::broadcast(int64_t lanes, Value scalar) {
  return vector::BroadcastOp::create(
      *this, VectorType::get({lanes}, scalar.getType()), scalar);
}

Value KernelBuilder::zeros(int64_t lanes) {
  return arith::ConstantOp::create(
      *this, getZeroAttr(VectorType::get({lanes}, getF32Type())));
}

Value KernelBuilder::reduceAdd(Value vector) {
  return vector::ReductionOp::create(*this, vector::CombiningKind::ADD, vector,
                                     arith::FastMathFlags::reassoc);
}

Value KernelBuilder::reduceMax(Value vector) {
  return vector::ReductionOp::create(*this, vector::CombiningKind::MAXIMUMF,
                                     vector);
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

void KernelBuilder::loop(Value begin, Value end,
                         llvm::function_ref<void(Value)> body, int64_t step) {
  auto forOp = scf::ForOp::create(*this, begin, end, index(step));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(forOp.getBody());
  body(forOp.getInductionVar());
}

SmallVector<Value> KernelBuilder::loop(
    Value begin, Value end, ValueRange inits,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body,
    int64_t step) {
  auto forOp = scf::ForOp::create(*this, begin, end, index(step), inits);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(forOp.getBody());
  SmallVector<Value> results =
      body(forOp.getInductionVar(), forOp.getRegionIterArgs());
  if (!inits.empty()) // without values the loop comes with its terminator
    scf::YieldOp::create(*this, results);
  return SmallVector<Value>(forOp.getResults());
}

void KernelBuilder::parallel(ValueRange counts,
                             llvm::function_ref<void(ValueRange)> body,
                             int64_t step) {
  SmallVector<Value> begins(counts.size(), index(0));
  SmallVector<Value> steps(counts.size(), index(1));
  steps.back() = index(step);
  auto loop = scf::ParallelOp::create(*this, begins, counts, steps);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVars());
}

Value KernelBuilder::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(*this, condition, a, b);
}

void KernelBuilder::ifThen(Value condition, llvm::function_ref<void()> body) {
  auto ifOp = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(ifOp.thenBlock());
  body();
}

Value KernelBuilder::ifElse(Value condition, llvm::function_ref<Value()> yes,
                            llvm::function_ref<Value()> no) {
  auto build = [&](llvm::function_ref<Value()> branch) {
    return [this, branch](OpBuilder &b, Location) {
      OpBuilder::InsertionGuard guard(*this);
      setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
      Value result = branch();
      scf::YieldOp::create(*this, result);
    };
  };
  auto ifOp = scf::IfOp::create(*this, condition, build(yes), build(no));
  return ifOp.getResult(0);
}

Value KernelBuilder::rowTokens(Value valid, Value row, Value time) {
  if (!valid)
    return time;
  Value tokens = mini(loadIndex(valid, row), time);
  return arith::MaxSIOp::create(*this, tokens, index(0));
}

FailureOr<int64_t> mlir::marimba::lanesOf(Operation *op, unsigned vectorBits) {
  if (vectorBits >= 64 && llvm::isPowerOf2_32(vectorBits))
    return vectorBits / 32;
  op->emitError("vector-bits is ")
      << vectorBits << ", expected a power of two of at least 64";
  return failure();
}
