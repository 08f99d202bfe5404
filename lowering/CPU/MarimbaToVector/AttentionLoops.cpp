//===- AttentionLoops.cpp - What all loops of attention share ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/MarimbaToVector/AttentionLoops.h"
#include "lowering/Common/Builders/Codes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::marimba;

AttentionLoops::AttentionLoops(KernelBuilder &b, AttentionOp op, int64_t lanes)
    : b(b), op(op), lanes(lanes) {
  auto query = cast<MemRefType>(op.getQuery().getType());
  auto keys = cast<MemRefType>(op.getKeyCache().getType());
  size = query.getDimSize(3);
  valueSize = op.getValueSize();
  perGroup = query.getDimSize(2) / keys.getDimSize(1);
  if (size % lanes)
    tailMask = b.tailMask(lanes, b.index(size % lanes));
  if (valueSize == size)
    valueTailMask = tailMask;
  else if (valueSize % lanes)
    valueTailMask = b.tailMask(lanes, b.index(valueSize % lanes));
}

Value AttentionLoops::scratch(ArrayRef<int64_t> shape, Type element) {
  auto type = MemRefType::get(shape, element ? element : b.getF32Type());
  return memref::AllocaOp::create(b, type, b.getI64IntegerAttr(64));
}

void AttentionLoops::overElements(int64_t count, Value mask, PartBody body) {
  int64_t whole = count / lanes * lanes;
  if (whole)
    b.loop(
        b.index(0), b.index(whole), [&](Value i) { body(i, lanes, Value()); },
        lanes);
  if (whole != count)
    body(b.index(whole), count - whole, mask);
}

int64_t AttentionLoops::keptBits() {
  return cast<MemRefType>(op.getKeyCache().getType()).getElementTypeBitWidth();
}

void AttentionLoops::append(Value row, Value group, Value t, Value position) {
  auto keep = [&](Value from, Value cache, Value scales) {
    SmallVector<Value> at{row, t, group}, to{row, group, position};
    if (scales)
      return appendCodes(at, to, from, cache, scales);
    overHead([&](Value i, int64_t, Value mask) {
      Value part = b.loadVector(lanes, from, elementOf(at, i), mask);
      b.storeVector(part, cache, elementOf(to, i), mask);
    });
  };
  keep(op.getKey(), op.getKeyCache(), op.getKeyScales());
  if (op.getValue())
    keep(op.getValue(), op.getValueCache(), op.getValueScales());
}

/// The vector at `at` of `from` as codes, and their scale, to `to`.
void AttentionLoops::appendCodes(ValueRange at, ValueRange to, Value from,
                                 Value codes, Value scales) {
  auto larger = [&](Value old, Value i, Value mask) -> Value {
    Value part = b.loadVector(lanes, from, elementOf(at, i), mask);
    return b.max(old, math::AbsFOp::create(b, part));
  };
  int64_t whole = size / lanes * lanes;
  Value most = b.loop(
      b.index(0), b.index(whole), b.zeros(lanes),
      [&](Value i, ValueRange old) {
        return SmallVector<Value>{larger(old[0], i, Value())};
      },
      lanes)[0];
  if (whole != size)
    most = larger(most, b.index(whole), tailMask);
  CodeScale scale = codeScaleFor(b, b.reduceMax(most));
  b.store(scale.scale, scales, to);
  overHead([&](Value i, int64_t, Value mask) {
    Value part = b.loadVector(lanes, from, elementOf(at, i), mask);
    b.storeVector(codeOf(b, part, scale.inverse), codes, elementOf(to, i),
                  mask);
  });
}

void AttentionLoops::storeZeros(Value row, Value t, Value head) {
  overValue([&](Value i, int64_t, Value mask) {
    b.storeVector(b.zeros(lanes), op.getOutput(), {row, t, head, i}, mask);
  });
}

double AttentionLoops::queryFactor() {
  double scale = op.getScale().convertToDouble();
  return op.getSoftcap() ? scale : scale * kLog2E;
}

Value AttentionLoops::bound(Value score) {
  if (!op.getSoftcap())
    return score;
  return b.mul(b.softcap(score, op.getSoftcap()->convertToDouble()),
               b.constant(kLog2E));
}

Value AttentionLoops::larger(Value a, Value other) {
  Value first = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, a, other);
  return b.select(first, a, other);
}

Value AttentionLoops::firstKey(Value position) {
  if (!op.getWindow())
    return b.index(0);
  return b.maxi(b.subi(position, b.index(*op.getWindow() - 1)), b.index(0));
}

void AttentionLoops::transpose(MutableArrayRef<Value> rows) {
  int64_t count = rows.size();
  for (int64_t step = 1; step < count; step *= 2)
    for (int64_t i = 0; i < count; ++i) {
      if (i & step)
        continue;
      // Exchanges the upper right and lower left squares of `step` x `step`.
      SmallVector<int64_t> upper, lower;
      for (int64_t j = 0; j < count; ++j) {
        upper.push_back(j & step ? count + j - step : j);
        lower.push_back(j & step ? count + j : j + step);
      }
      Value a = rows[i], c = rows[i + step];
      rows[i] = vector::ShuffleOp::create(b, a, c, upper);
      rows[i + step] = vector::ShuffleOp::create(b, a, c, lower);
    }
}

Value AttentionLoops::reduceEach(SmallVector<Value> vectors) {
  int64_t group = std::min<int64_t>(4, lanes);
  auto level = [&](int64_t unit, int64_t range, int64_t stride) {
    // Of each `range`: units without the bit `stride`, those with it.
    SmallVector<int64_t> without, with;
    for (int64_t base = 0; base < lanes; base += range)
      for (int64_t source : {int64_t(0), lanes})
        for (int64_t i = 0; i < range; ++i)
          ((i / unit & stride) ? with : without).push_back(source + base + i);
    SmallVector<Value> next;
    for (size_t i = 0; i < vectors.size(); i += 2)
      next.push_back(b.add(
          vector::ShuffleOp::create(b, vectors[i], vectors[i + 1], without),
          vector::ShuffleOp::create(b, vectors[i], vectors[i + 1], with)));
    vectors = next;
  };
  for (int64_t stride = group / 2; stride; stride /= 2)
    level(1, group, stride);
  for (int64_t stride = lanes / group / 2; stride; stride /= 2)
    level(group, lanes, stride);
  return vectors[0];
}
