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
/// Words of a group whose products are unrolled in the code: 128 inputs
/// in 8 bits, the largest group of weights.
static constexpr int64_t kWordsAtOnce = 32;

SmallVector<Value> IntegerKernel::sums(const Tile &tile) {
  const formats::Layout &layout = parts.layout;
  int64_t rows = tile.rows.size(), vectors = tile.vectors();
  int64_t perWord = layout.encoding.codesPerWord();
  IntegerGroups groups(b, unit, parts, lanes, {input(0), input(1), input(2)});
  IntegerProducts &products = groups.products;
  int64_t words = groups.size() / perWord;

  // One word of all channels and rows.
  auto add = [&](Value word, MutableArrayRef<IntegerProducts::Sum> sums) {
    Value k = b.muli(word, b.index(perWord));
    SmallVector<SmallVector<Value>> inputs(rows);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < perWord; j += 4)
        inputs[r].push_back(products.activations(input(0), tile.rows[r],
                                                 b.addi(k, b.index(j))));
    for (int64_t v = 0; v < vectors; ++v) {
      Value bits = loadWords(tile, word, v);
      if (rows == 1)
        prefetchWords(tile, word, v);
      for (auto [part, ready] : llvm::enumerate(products.prepare(bits))) {
        IntegerProducts::Codes codes = products.codesOf(ready);
        for (int64_t r = 0; r < rows; ++r)
          products.add(sums[r * vectors + v], codes, inputs[r][part]);
      }
    }
  };
  // A group's integers: all words side by side, of a large group some at a
  // time.
  auto some = [&](Value begin, int64_t count) {
    SmallVector<IntegerProducts::Sum> sums(rows * vectors);
    for (int64_t w = 0; w < count; ++w)
      add(b.addi(begin, b.index(w)), sums);
    return llvm::map_to_vector(
        sums, [&](IntegerProducts::Sum &sum) { return products.total(sum); });
  };
  auto totals = [&](Value group) {
    Value first = b.muli(group, b.index(words));
    if (words <= kWordsAtOnce)
      return some(first, words);
    int64_t step = std::gcd(words, kWordsAtOnce);
    SmallVector<Value> none(rows * vectors, b.splat(lanes, 0));
    return b.loop(
        first, b.addi(first, b.index(words)), none,
        [&](Value word, ValueRange old) {
          SmallVector<Value> next = some(word, step);
          for (auto [sum, before] : llvm::zip_equal(next, old))
            sum = arith::AddIOp::create(b, before, sum);
          return next;
        },
        step);
  };
  SmallVector<Channels> channels = channelsOf(tile);
  SmallVector<Value> none(rows * vectors, b.zeros(lanes));
  return b.loop(
      b.index(0), b.index(layout.groups), none, [&](Value g, ValueRange old) {
        if (rows == 1)
          for (auto [block, lane] : channels)
            b.prefetch(parts.scales,
                       {block, b.addi(g, b.index(kGroupsAhead)), lane},
                       /*locality=*/3);
        return groups.add({tile.rows, channels}, g, old, totals);
      });
}
