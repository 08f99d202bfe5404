//===- FloatKernel.cpp - Quantised weights times f32 ------------*- C++ -*-===//
//
// Part of Marimba. Weights are widened as QuantizedProducer does it for many
// rows, so that a row has the same bits in all calls; four or eight inputs, one
// word of each channel, at a time. For targets without products of bytes, and
// where activations are to stay in f32.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Quantized/QuantizedKernel.h"

using namespace mlir;
using namespace mlir::marimba;

SmallVector<Value> FloatKernel::sums(const Tile &tile) {
  const formats::Layout &layout = parts.layout;
  int64_t perStep = parts.step();
  SmallVector<Channels> channels = channelsOf(tile);

  // `count` inputs of a step, which has that many within K.
  auto step = [&](Value index, int64_t count, ArrayRef<Terms> terms,
                  ValueRange old) {
    SmallVector<Value> next(old), xs;
    Value k = b.muli(index, b.index(perStep));
    for (int64_t j = 0; j < count; ++j)
      xs.push_back(
          b.load(input(0), elementOf(tile.row, b.addi(k, b.index(j)))));
    for (auto [v, term] : llvm::enumerate(terms)) {
      QuantizedParts::Step bits = loadStep(tile, index, v);
      for (auto [j, x] : llvm::enumerate(xs)) {
        Value w = b.mul(parts.unpack(bits, j, term.zero), term.scale);
        if (term.minimum) // one rounding: the product is exact
          w = b.add(w, term.minimum);
        next[v] = b.fma(x, w, next[v]);
      }
    }
    return next;
  };
  auto group = [&](Value index, int64_t count, ValueRange old) {
    SmallVector<Terms> terms;
    for (auto [block, lane] : channels)
      terms.push_back({parts.loadScales(lanes, block, index, lane),
                       parts.zeroPoints(lanes, block, index, lane),
                       parts.loadMinimums(lanes, block, index, lane)});
    Value first = b.muli(index, b.index(layout.group / perStep));
    Value last = b.addi(first, b.index(count / perStep));
    SmallVector<Value> sums =
        b.loop(first, last, old, [&](Value w, ValueRange before) {
          return step(w, perStep, terms, before);
        });
    if (count % perStep)
      sums = step(last, count % perStep, terms, sums);
    return sums;
  };
  int64_t whole = layout.inputs / layout.group;
  SmallVector<Value> sums(tile.vectors(), b.zeros(lanes));
  sums = b.loop(b.index(0), b.index(whole), sums, [&](Value g, ValueRange old) {
    return group(g, layout.group, old);
  });
  if (int64_t rest = layout.inputs % layout.group)
    sums = group(b.index(whole), rest, sums);
  return sums;
}
