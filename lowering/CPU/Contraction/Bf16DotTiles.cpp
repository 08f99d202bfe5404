//===- Bf16DotTiles.cpp - Tiles of dot products of bf16 ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Contraction/Bf16DotTiles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::marimba;

Value mlir::marimba::dotPairs(KernelBuilder &b, Value sum, Value words,
                              Value pair) {
  int64_t lanes = cast<VectorType>(sum.getType()).getNumElements();
  auto type = VectorType::get({2 * lanes}, b.getBF16Type());
  auto cast = [&](Value v) -> Value {
    return vector::BitCastOp::create(b, type, v);
  };
  return LLVM::CallIntrinsicOp::create(
             b, b.getLoc(), sum.getType(),
             b.getStringAttr("llvm.x86.avx512bf16.dpbf16ps." +
                             std::to_string(32 * lanes)),
             ValueRange{sum, cast(words), cast(pair)})
      .getResult(0);
}

Value mlir::marimba::roundPairs(KernelBuilder &b, Value low, Value high) {
  int64_t lanes = cast<VectorType>(low.getType()).getNumElements();
  // The instruction puts its second operand first.
  Value both = LLVM::CallIntrinsicOp::create(
                   b, b.getLoc(), VectorType::get({2 * lanes}, b.getBF16Type()),
                   b.getStringAttr("llvm.x86.avx512bf16.cvtne2ps2bf16." +
                                   std::to_string(32 * lanes)),
                   ValueRange{high, low})
                   .getResult(0);
  SmallVector<int64_t> order;
  for (int64_t lane = 0; lane < lanes; ++lane)
    order.append({lane, lane + lanes});
  Value mixed = vector::ShuffleOp::create(b, both, both, order);
  return vector::BitCastOp::create(b, VectorType::get({lanes}, b.getI32Type()),
                                   mixed);
}

Value mlir::marimba::broadcastPair(KernelBuilder &b, int64_t lanes, Value input,
                                   ArrayRef<Value> row, Value k,
                                   int64_t count) {
  auto word = VectorType::get({1}, b.getI32Type());
  Value pair;
  if (count == 2) {
    Value two = vector::LoadOp::create(b, VectorType::get({2}, b.getBF16Type()),
                                       input, elementOf(row, k));
    pair = vector::BitCastOp::create(b, word, two);
  } else {
    Value one = memref::LoadOp::create(b, input, elementOf(row, k));
    Value bits = arith::BitcastOp::create(b, b.getIntegerType(16), one);
    pair = vector::BroadcastOp::create(
        b, word, arith::ExtUIOp::create(b, b.getI32Type(), bits));
  }
  return vector::BroadcastOp::create(
      b, VectorType::get({lanes}, b.getI32Type()), pair);
}

// A word is as large as an f32: panels are what those of FloatTiles are. They
// have whole words in all but the last.
Bf16DotTiles::Bf16DotTiles(KernelBuilder &b, const TileFacts &facts)
    : TileKernel(b, facts,
                 {/*rows=*/6,
                  std::min(facts.registers >= 32 ? int64_t(4) : int64_t(2),
                           kChannels / facts.lanes),
                  /*depth=*/512}) {}

SmallVector<Value> Bf16DotTiles::sums(const Tile &tile, ValueRange start) {
  auto half = [&](Value a) -> Value {
    return arith::DivUIOp::create(b, a, b.index(2));
  };
  Value first = half(tile.panel.first);
  Value end = half(b.addi(tile.panel.first, tile.panel.count));
  SmallVector<Value> all =
      b.loop(first, end, start, [&](Value word, ValueRange old) {
        return step(tile, word, 2, old);
      });
  if (depth % 2 == 0)
    return all;
  if (onePanel())
    return step(tile, b.index(depth / 2), 1, all);
  // One iteration in the last panel, none in others.
  return b.loop(
      end, half(b.addi(b.addi(tile.panel.first, tile.panel.count), b.index(1))),
      all,
      [&](Value word, ValueRange old) { return step(tile, word, 1, old); });
}

SmallVector<Value> Bf16DotTiles::step(const Tile &tile, Value word,
                                      int64_t count, ValueRange old) {
  auto type = VectorType::get({facts.lanes}, b.getI32Type());
  SmallVector<Value> words, next;
  for (int64_t v = 0; v < shape.vectors; ++v)
    words.push_back(vector::LoadOp::create(
        b, type, operands.words,
        ValueRange{tile.panel.block, word,
                   b.addi(tile.lane, b.index(v * facts.lanes))}));
  Value k = b.muli(word, b.index(2));
  for (int64_t r = 0; r < shape.rows; ++r) {
    Value pair =
        broadcastPair(b, facts.lanes, input(0), tile.rows[r], k, count);
    for (int64_t v = 0; v < shape.vectors; ++v)
      next.push_back(dotPairs(b, old[r * shape.vectors + v], words[v], pair));
  }
  return next;
}
