//===- IntegerKernel.cpp - Quantised weights times bytes --------*- C++ -*-===//
//
// Part of Marimba. A word of codes of each channel times activations that all
// channels share: the layout of the weights is made for it.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Quantized/IntegerGroups.h"
#include "lowering/CPU/Quantized/QuantizedKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include <numeric>

using namespace mlir;
using namespace mlir::marimba;

/// Groups ahead of the one in use whose scales are asked for (docs/results.md).
static constexpr int64_t kGroupsAhead = 4;
static constexpr int64_t kCacheLine = 64;
/// Words of a group whose products are unrolled in the code: 128 inputs
/// in 8 bits, the largest group of weights.
static constexpr int64_t kWordsAtOnce = 32;
/// With 16 registers more words would be reordered by the code generator, and
/// all their prefetches moved to the front.
static constexpr int64_t kWordsOfNarrow = 2, kWordsOfNarrowPairs = 4;
/// Vectors of channels whose sums are in registers at a time: sums that begin
/// in 16 bits take two each.
static constexpr int64_t kSums = 8, kSumsOfPairs = 4;

SmallVector<Value> IntegerKernel::sums(const Tile &tile) {
  const formats::Layout &layout = parts.layout;
  int64_t vectors = tile.vectors();
  IntegerGroups groups(b, unit, parts, lanes, {input(0), input(1), input(2)});
  IntegerProducts &products = groups.products;
  // Some numbers of words are multiples of those of a step.
  int64_t perStep = parts.step();
  int64_t wordsOfStep = parts.wordsOfStep();
  int64_t steps = groups.size() / perStep;
  bool narrow = lanes < 16, pairs = products.hasPairs();
  int64_t atOnce = pairs && narrow ? kSumsOfPairs : kSums;
  int64_t most = !narrow ? kWordsAtOnce
                 : pairs ? kWordsOfNarrowPairs
                         : kWordsOfNarrow;
  most = std::max<int64_t>(1, most / wordsOfStep);

  // One step of some channels.
  auto add = [&](Value step, int64_t firstVector,
                 MutableArrayRef<IntegerProducts::Sum> sums) {
    Value k = b.muli(step, b.index(perStep));
    SmallVector<Value, 8> inputs;
    for (int64_t j = 0; j < perStep; j += 4)
      inputs.push_back(
          products.activations(input(0), tile.row, b.addi(k, b.index(j))));
    for (auto [i, sum] : llvm::enumerate(sums)) {
      int64_t v = firstVector + static_cast<int64_t>(i);
      QuantizedParts::Step bits = loadStep(tile, step, v);
      for (auto [part, ready] : llvm::enumerate(products.prepare(parts, bits)))
        products.add(sum, products.codesOf(ready), inputs[part]);
    }
  };
  // A group's integers: all steps side by side, of a large group some at a
  // time, and as many vectors as there are registers for.
  auto some = [&](Value begin, int64_t count) {
    SmallVector<Value> all;
    for (int64_t v = 0; v < vectors; v += atOnce) {
      SmallVector<IntegerProducts::Sum> sums(std::min(atOnce, vectors - v));
      for (int64_t w = 0; w < count; ++w)
        add(b.addi(begin, b.index(w)), v, sums);
      for (IntegerProducts::Sum &sum : sums)
        all.push_back(products.total(sum));
    }
    return all;
  };
  SmallVector<Channels> channels = channelsOf(tile);
  int64_t scaleBytes = lanes * layout.partUnit(formats::PartKind::Scales);
  auto totals = [&](Value group) {
    Value ahead = b.addi(group, b.index(kGroupsAhead));
    for (auto [v, at] : llvm::enumerate(channels))
      if (layout.groups > 1 && int64_t(v) * scaleBytes % kCacheLine == 0)
        b.prefetch(parts.scales, {at.block, ahead, at.lane}, /*locality=*/3);
    Value first = b.muli(group, b.index(steps));
    if (steps <= most)
      return some(first, steps);
    int64_t step = std::gcd(steps, most);
    SmallVector<Value> none(vectors, b.splat(lanes, 0));
    return b.loop(
        first, b.addi(first, b.index(steps)), none,
        [&](Value word, ValueRange old) {
          SmallVector<Value> next = some(word, step);
          for (auto [sum, before] : llvm::zip_equal(next, old))
            sum = arith::AddIOp::create(b, before, sum);
          return next;
        },
        step);
  };
  SmallVector<Value> none(vectors, b.zeros(lanes));
  SmallVector<SmallVector<Value>> row{tile.row};
  return groups.addAll({row, channels}, b.index(0), b.index(layout.groups),
                       none, totals);
}
