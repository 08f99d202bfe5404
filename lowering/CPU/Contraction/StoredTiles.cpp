//===- StoredTiles.cpp - Rows times weights as they are stored --*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Contraction/StoredTiles.h"

#include "lowering/CPU/Contraction/Bf16DotTiles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::marimba;

static constexpr int64_t kCacheLine = 64;
/// Cache lines of each channel of the next tile that are prefetched: the
/// hardware finds the others.
static constexpr int64_t kLinesAhead = 2;

static int64_t elementBytes(Value memref) {
  return getElementTypeOrSelf(memref.getType()).getIntOrFloatBitWidth() / 8;
}

Value StoredTiles::load(Value memref, Value row, Value k, Value mask) {
  if (!pairs)
    return b.loadVector(facts.lanes, memref, {row, k}, mask);
  auto type = VectorType::get({width()}, b.getBF16Type());
  if (!mask)
    return vector::LoadOp::create(b, type, memref, ValueRange{row, k});
  Value off = arith::ConstantOp::create(b, b.getZeroAttr(type));
  return vector::MaskedLoadOp::create(b, type, memref, ValueRange{row, k}, mask,
                                      off);
}

SmallVector<Value> StoredTiles::step(Value input, ArrayRef<Value> rows,
                                     Value matrix, ArrayRef<Value> channels,
                                     Value k, Value mask, ValueRange old) {
  SmallVector<Value> weights, next;
  for (Value channel : channels)
    weights.push_back(load(matrix, channel, k, mask));
  for (auto [r, row] : llvm::enumerate(rows)) {
    Value x = load(input, row, k, mask);
    for (auto [c, w] : llvm::enumerate(weights)) {
      Value sum = old[r * kChannels + c];
      next.push_back(pairs ? dotPairs(b, sum, w, x) : b.fma(w, x, sum));
    }
  }
  return next;
}

void StoredTiles::prefetchNext(Value matrix, Value channel) {
  int64_t line = kCacheLine / elementBytes(matrix);
  for (int64_t c = 0; c < kChannels; ++c)
    for (int64_t i = 0; i < kLinesAhead; ++i)
      b.prefetch(matrix,
                 {b.addi(channel, b.index(kChannels + c)), b.index(i * line)},
                 /*locality=*/3);
}

SmallVector<Value> StoredTiles::sums(Value input, ArrayRef<Value> rows,
                                     Value matrix, Value channel) {
  auto type = cast<MemRefType>(matrix.getType());
  int64_t depth = type.getDimSize(1), count = type.getDimSize(0);
  pairs = dots && type.getElementType().isBF16() &&
          getElementTypeOrSelf(input.getType()).isBF16();
  SmallVector<Value> channels;
  for (int64_t c = 0; c < kChannels; ++c) {
    Value at = b.addi(channel, b.index(c));
    channels.push_back(count % kChannels ? b.mini(at, b.index(count - 1)) : at);
  }
  SmallVector<Value> sums(rows.size() * kChannels, b.zeros(facts.lanes));
  prefetchNext(matrix, channel);
  // A line of each channel at a time.
  int64_t vectors =
      std::max<int64_t>(kCacheLine / (width() * elementBytes(matrix)), 1);
  int64_t inLoop = depth / (vectors * width()) * vectors * width();
  if (inLoop)
    sums = b.loop(
        b.index(0), b.index(inLoop), sums,
        [&](Value k, ValueRange old) {
          SmallVector<Value> next(old);
          for (int64_t v = 0; v < vectors; ++v)
            next = step(input, rows, matrix, channels,
                        b.addi(k, b.index(v * width())), Value(), next);
          return next;
        },
        vectors * width());
  for (int64_t k = inLoop; k < depth; k += width()) {
    Value mask =
        k + width() > depth ? b.tailMask(width(), b.index(depth - k)) : Value();
    sums = step(input, rows, matrix, channels, b.index(k), mask, sums);
  }
  SmallVector<Value> results;
  for (size_t r = 0; r < rows.size(); ++r)
    results.push_back(
        acrossLanes(ArrayRef(sums).slice(r * kChannels, kChannels)));
  return results;
}

Value StoredTiles::acrossLanes(ArrayRef<Value> sums) {
  // Neighbouring lanes of two vectors, within groups of four lanes: one
  // instruction each.
  auto addNeighbours = [&](Value x, Value y) {
    SmallVector<int64_t> even, odd;
    for (int64_t group = 0; group < facts.lanes; group += 4)
      for (int64_t from : {group, facts.lanes + group}) {
        even.append({from, from + 2});
        odd.append({from + 1, from + 3});
      }
    return b.add(vector::ShuffleOp::create(b, x, y, even),
                 vector::ShuffleOp::create(b, x, y, odd));
  };
  // Each group of four lanes has a part of the sum of each channel.
  Value all = addNeighbours(addNeighbours(sums[0], sums[1]),
                            addNeighbours(sums[2], sums[3]));
  for (int64_t lanes = facts.lanes; lanes > kChannels; lanes /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t lane = 0; lane < lanes / 2; ++lane) {
      low.push_back(lane);
      high.push_back(lane + lanes / 2);
    }
    all = b.add(vector::ShuffleOp::create(b, all, all, low),
                vector::ShuffleOp::create(b, all, all, high));
  }
  return all;
}
