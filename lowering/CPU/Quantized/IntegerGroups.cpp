//===- IntegerGroups.cpp - From sums of integers to f32 ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Quantized/IntegerGroups.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::marimba;

IntegerGroups::IntegerGroups(KernelBuilder &b, IntegerUnit unit,
                             const QuantizedParts &parts, int64_t lanes,
                             ValueRange inputs)
    : products(b, unit, parts.layout.encoding, lanes), b(b), parts(parts),
      weights(b, parts, lanes), lanes(lanes),
      groups(cast<MemRefType>(inputs[1].getType()).getShape().back()),
      scales(inputs[1]), sums(inputs[2]) {}

SmallVector<Value> IntegerGroups::offsets(const Tile &tile, Value group) {
  double all = products.offset() + parts.layout.encoding.center();
  if (!parts.zeros)
    return SmallVector<Value>(tile.channels.size(),
                              all != 0 ? b.constant(all) : Value());
  return llvm::map_to_vector(tile.channels, [&](const Channels &at) -> Value {
    Value zero = parts.zeroPoints(lanes, at.block, group, at.lane);
    return all != 0 ? b.add(zero, b.broadcast(lanes, b.constant(all))) : zero;
  });
}

SmallVector<Value> IntegerGroups::scaled(const Tile &tile, Value group,
                                         ValueRange totals,
                                         ArrayRef<Value> offsets,
                                         ValueRange before) {
  auto f32 = VectorType::get({lanes}, b.getF32Type());
  SmallVector<Value> next;
  for (ArrayRef<Value> row : tile.rows) {
    Value scale = b.load(scales, elementOf(row, group));
    Value rowSum = b.load(sums, elementOf(row, group));
    for (Value offset : offsets) {
      size_t i = next.size();
      Value exact = arith::SIToFPOp::create(b, f32, totals[i]);
      Value base = before.empty() ? Value() : before[i];
      if (offset) {
        Value off = b.mul(offset, rowSum);
        base = base ? b.sub(base, off) : b.neg(off);
      }
      next.push_back(base ? b.fma(exact, scale, base) : b.mul(exact, scale));
    }
  }
  return next;
}

SmallVector<Value> IntegerGroups::addUnscaled(const Tile &tile, Value group,
                                              Value first, Value last,
                                              ValueRange before,
                                              Totals totals) {
  SmallVector<Value> off = offsets(tile, group);
  if (perWeights() == 1)
    return scaled(tile, first, totals(first), off, before);
  SmallVector<Value> start(before);
  if (start.empty())
    start.assign(tile.count(), b.zeros(lanes));
  return b.loop(first, last, start, [&](Value g, ValueRange old) {
    return scaled(tile, g, totals(g), off, old);
  });
}

SmallVector<Value> IntegerGroups::loadSums(const Tile &tile, Value group) {
  return llvm::map_to_vector(tile.rows, [&](ArrayRef<Value> row) {
    return b.load(sums, elementOf(row, group));
  });
}

SmallVector<Value> IntegerGroups::addScaled(const Tile &tile, Value group,
                                            Value first, Value last,
                                            ValueRange part, ValueRange old) {
  SmallVector<Value> all(part);
  if (parts.minimums) {
    SmallVector<Value> inputs(tile.rows.size(), b.constant(0.0));
    if (perWeights() == 1)
      inputs = loadSums(tile, first);
    else
      inputs = b.loop(first, last, inputs, [&](Value g, ValueRange before) {
        SmallVector<Value> next = loadSums(tile, g);
        for (auto [sum, old] : llvm::zip_equal(next, before))
          sum = b.add(old, sum);
        return next;
      });
    all.append(inputs);
  }
  return weights.add(tile.channels, group, all, old);
}

SmallVector<Value> IntegerGroups::add(const Tile &tile, Value group,
                                      ValueRange old, Totals totals) {
  Value count = b.index(perWeights());
  Value first = b.muli(group, count), last = b.addi(first, count);
  SmallVector<Value> part =
      addUnscaled(tile, group, first, last, ValueRange(), totals);
  return addScaled(tile, group, first, last, part, old);
}

SmallVector<Value> IntegerGroups::addAll(const Tile &tile, Value begin,
                                         Value end, ValueRange old,
                                         Totals totals) {
  if (!weights.hasSupers() || perWeights() != 1)
    return b.loop(begin, end, old, [&](Value group, ValueRange before) {
      return add(tile, group, before, totals);
    });
  int64_t count = weights.perSuper();
  auto super = [&](Value first, ValueRange before) {
    SmallVector<Value> none(tile.count(), b.zeros(lanes));
    SmallVector<Value> part =
        b.loop(first, b.addi(first, b.index(count)), none,
               [&](Value group, ValueRange some) {
                 SmallVector<Value> next =
                     addUnscaled(tile, group, group, Value(), {}, totals);
                 return weights.addInSuper(tile.channels, group, next, some);
               });
    Value index = arith::DivUIOp::create(b, first, b.index(count));
    return weights.addSuper(tile.channels, index, part, before,
                            [&](Value g) { return loadSums(tile, g); });
  };
  return b.loop(begin, end, old, super, count);
}
