//===- FloatKernel.cpp - Quantised weights times f32 ------------*- C++ -*-===//
//
// Part of Marimba. Codes are unpacked by shifts and converted; four or eight
// inputs, one word of each channel, at a time. For targets without products of
// bytes, and where activations are to stay in f32.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Quantized/QuantizedKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::marimba;

SmallVector<Value> FloatKernel::sums(const Tile &tile) {
  const formats::Layout &layout = parts.layout;
  int64_t rows = tile.rows.size(), perWord = layout.encoding.codesPerWord();

  // `inputs` of a word, which has that many within K. After the sums of
  // products are those of the rows' inputs where minimums are times them.
  auto word = [&](Value index, int64_t inputs, ArrayRef<Value> zeros,
                  ValueRange old) {
    SmallVector<Value> next(old);
    Value k = b.muli(index, b.index(perWord));
    int64_t products = rows * tile.vectors();
    for (int64_t r = 0; parts.minimums && r < rows; ++r)
      for (int64_t j = 0; j < inputs; ++j) {
        Value &sum = next[products + r];
        sum = b.add(sum, b.load(input(0), elementOf(tile.rows[r],
                                                    b.addi(k, b.index(j)))));
      }
    for (int64_t v = 0; v < tile.vectors(); ++v) {
      Value bits = loadWords(tile, index, v);
      for (int64_t j = 0; j < inputs; ++j) {
        Value w = parts.unpack(bits, j, zeros[v]);
        for (int64_t r = 0; r < rows; ++r) {
          Value x =
              b.load(input(0), elementOf(tile.rows[r], b.addi(k, b.index(j))));
          Value &sum = next[r * tile.vectors() + v];
          sum = b.fma(x, w, sum);
        }
      }
    }
    return next;
  };
  auto group = [&](Value index, int64_t inputs, ValueRange old) {
    // A minimum is about minus the middle code times the scale: of codes around
    // zero the sums do not grow only for the minimum to take that off again.
    double center = parts.minimums && layout.encoding.bits == 4 ? 8 : 0;
    SmallVector<Value> zeros;
    for (int64_t v = 0; v < tile.vectors(); ++v)
      zeros.push_back(center != 0 ? b.broadcast(lanes, b.constant(center))
                                  : zeroPoints(tile, index, v));
    Value first = b.muli(index, b.index(layout.group / perWord));
    Value last = b.addi(first, b.index(inputs / perWord));
    SmallVector<Value> part(old.size(), b.zeros(lanes));
    if (parts.minimums)
      part.append(rows, b.constant(0.0));
    part = b.loop(first, last, part, [&](Value w, ValueRange sums) {
      return word(w, perWord, zeros, sums);
    });
    if (inputs % perWord)
      part = word(last, inputs % perWord, zeros, part);
    return GroupSums(b, parts, lanes)
        .add(channelsOf(tile), index, part, old, center);
  };
  int64_t whole = layout.inputs / layout.group;
  SmallVector<Value> sums(rows * tile.vectors(), b.zeros(lanes));
  sums = b.loop(b.index(0), b.index(whole), sums, [&](Value g, ValueRange old) {
    return group(g, layout.group, old);
  });
  if (int64_t rest = layout.inputs % layout.group)
    sums = group(b.index(whole), rest, sums);
  return sums;
}
