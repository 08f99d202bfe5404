//===- IntegerKernel.cpp - Quantised weights times bytes --------*- C++ -*-===//
//
// Part of Marimba. A word of codes of each channel times activations that all
// channels share: the layout of the weights is made for it. What codes are too
// large by is taken off each group through its sum of activations.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Quantized/IntegerProducts.h"
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
  int64_t groups = cast<MemRefType>(op.getScales().getType()).getShape().back();
  int64_t size = layout.depth / groups; // inputs of a group of activations
  int64_t words = size / perWord;
  auto f32 = VectorType::get({lanes}, b.getF32Type());
  IntegerProducts products(b, unit, layout.encoding, lanes);

  // One word of all channels and rows.
  auto add = [&](Value word, MutableArrayRef<IntegerProducts::Sum> sums) {
    Value k = b.muli(word, b.index(perWord));
    SmallVector<SmallVector<Value>> inputs(rows);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < perWord; j += 4)
        inputs[r].push_back(products.activations(op.getInput(), tile.rows[r],
                                                 b.addi(k, b.index(j))));
    for (int64_t v = 0; v < vectors; ++v) {
      Value bits = loadWords(tile, word, v);
      if (rows == 1)
        prefetchWords(tile, word, v);
      IntegerProducts::Codes codes = products.unpack(bits);
      for (int64_t r = 0; r < rows; ++r)
        for (auto [part, input] : llvm::enumerate(inputs[r]))
          products.add(sums[r * vectors + v], codes, part, input);
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
  auto integers = [&](Value group) {
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
  // Groups of activations [first, last), with the same scales of weights.
  // Behind the products are the rows' sums of activations where minimums are
  // times them.
  auto inGroup = [&](Value first, Value last, ArrayRef<Value> zeros,
                     ValueRange old) {
    return b.loop(first, last, old, [&](Value g, ValueRange before) {
      SmallVector<Value> total = integers(g), next, inputs;
      for (int64_t r = 0; r < rows; ++r) {
        Value scale = b.load(op.getScales(), elementOf(tile.rows[r], g));
        Value rowSum = b.load(op.getSums(), elementOf(tile.rows[r], g));
        if (parts.minimums)
          inputs.push_back(b.add(before[rows * vectors + r], rowSum));
        for (int64_t v = 0; v < vectors; ++v) {
          Value exact = arith::SIToFPOp::create(b, f32, total[r * vectors + v]);
          Value sum = b.fma(exact, scale, before[r * vectors + v]);
          next.push_back(zeros[v] ? b.sub(sum, b.mul(zeros[v], rowSum)) : sum);
        }
      }
      next.append(inputs);
      return next;
    });
  };
  SmallVector<Value> none(rows * vectors, b.zeros(lanes));
  SmallVector<Value> start(none);
  if (parts.minimums)
    start.append(rows, b.constant(0.0));
  Value perGroup = b.index(groups / layout.groups);
  return b.loop(
      b.index(0), b.index(layout.groups), none, [&](Value g, ValueRange old) {
        SmallVector<Value> zeros;
        for (int64_t v = 0; v < vectors; ++v) {
          double offset = products.offset();
          zeros.push_back(offset != 0 ? b.constant(offset)
                                      : zeroPoints(tile, g, v));
        }
        if (rows == 1)
          for (int64_t v = 0; v < vectors; ++v)
            b.prefetch(parts.scales,
                       {blockOf(tile, v), b.addi(g, b.index(kGroupsAhead)),
                        laneOf(tile, v)},
                       /*locality=*/3);
        Value first = b.muli(g, perGroup);
        SmallVector<Value> part =
            inGroup(first, b.addi(first, perGroup), zeros, start);
        return addGroup(tile, g, part, old);
      });
}
