//===- GroupSums.cpp - Groups of quantised weights, added up ----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Quantized/GroupSums.h"

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
