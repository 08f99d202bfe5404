//===- GroupSums.cpp - Groups of quantised weights, added up ----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Quantized/GroupSums.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::marimba;

SmallVector<Value> GroupSums::add(ArrayRef<Channels> channels, Value group,
                                  ValueRange part, ValueRange old) {
  SmallVector<Value> scales, minimums, next;
  for (auto [block, lane] : channels) {
    scales.push_back(parts.loadScales(lanes, block, group, lane));
    minimums.push_back(parts.loadMinimums(lanes, block, group, lane));
  }
  size_t vectors = channels.size();
  for (auto [i, sum] : llvm::enumerate(old)) {
    size_t v = i % vectors;
    next.push_back(b.fma(part[i], scales[v], sum));
    if (minimums[v])
      next[i] = b.fma(minimums[v], part[old.size() + i / vectors], next[i]);
  }
  return next;
}

bool GroupSums::hasSupers() const {
  if (!parts.superScales)
    return false;
  auto scales = cast<MemRefType>(parts.scales.getType());
  return scales.getElementType().isInteger(8) &&
         scales.getDimSize(1) == parts.layout.groups &&
         parts.layout.encoding.values != formats::CodeValues::E2M1;
}

SmallVector<Value> GroupSums::load(ArrayRef<Channels> channels, Value part,
                                   Value index) {
  return llvm::map_to_vector(channels, [&](const Channels &at) {
    return b.loadVector(lanes, part, {at.block, index, at.lane}, Value());
  });
}

SmallVector<Value> GroupSums::addInSuper(ArrayRef<Channels> channels,
                                         Value group, ValueRange part,
                                         ValueRange old) {
  SmallVector<Value> scales = load(channels, parts.scales, group), next;
  for (auto [i, sum] : llvm::enumerate(old))
    next.push_back(b.fma(part[i], scales[i % channels.size()], sum));
  return next;
}

SmallVector<Value> GroupSums::addSuper(
    ArrayRef<Channels> channels, Value super, ValueRange part, ValueRange old,
    llvm::function_ref<SmallVector<Value>(Value group)> inputs) {
  size_t vectors = channels.size();
  // `sums` times a part of the super-block.
  auto scaled = [&](ValueRange sums, Value of, ValueRange before) {
    SmallVector<Value> scales = load(channels, of, super), next;
    for (auto [i, sum] : llvm::enumerate(before))
      next.push_back(b.fma(sums[i], scales[i % vectors], sum));
    return next;
  };
  SmallVector<Value> all = scaled(part, parts.superScales, old);
  if (!parts.minimums)
    return all;
  Value first = b.muli(super, b.index(perSuper()));
  SmallVector<Value> none(old.size(), b.zeros(lanes));
  SmallVector<Value> less = b.loop(
      first, b.addi(first, b.index(perSuper())), none,
      [&](Value group, ValueRange before) {
        SmallVector<Value> rows = inputs(group), next;
        SmallVector<Value> least = load(channels, parts.minimums, group);
        for (auto [i, sum] : llvm::enumerate(before))
          next.push_back(b.fma(least[i % vectors], rows[i / vectors], sum));
        return next;
      });
  return scaled(less, parts.superMinimums, all);
}
