//===- FloatTiles.cpp - Tiles of products of f32 ----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Contraction/FloatTiles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::marimba;

/// Inputs of a panel are a multiple of all groups of quantised weights.
static constexpr int64_t kDepthStep = 128;

TileKernel::Shape FloatTiles::shapeFor(const TileFacts &facts) {
  // 12 sums of 16 registers or 24 of 32, beside the weights and one input: two
  // multiply-adds a cycle, of four or five cycles each, wait for none.
  int64_t vectors = facts.registers >= 32 ? 4 : 2;
  vectors = std::min(vectors, kChannels / facts.lanes);
  // A tile's weights fill half of the first-level cache; where that would be
  // few inputs, they come from the second-level one.
  int64_t perInput = vectors * facts.lanes * 4;
  int64_t depth = facts.l1Bytes / 2 / perInput / kDepthStep * kDepthStep;
  int64_t most = facts.l2Bytes / 8 / (kChannels * 4) / kDepthStep * kDepthStep;
  return {
      /*rows=*/6, vectors,
      std::max(std::min(std::max(depth, 2 * kDepthStep), most), kDepthStep)};
}

FloatTiles::FloatTiles(KernelBuilder &b, const TileFacts &facts,
                       Producer &producer)
    : TileKernel(b, facts, shapeFor(facts)), producer(producer) {}

void FloatTiles::allocate() {
  int64_t inputs =
      std::min<int64_t>(shape.depth, llvm::alignTo(depth, kDepthStep));
  weights = scratch({kChannels / width(), inputs, width()});
}

void FloatTiles::produce(const Panel &panel) {
  producer.produce(
      panel.block, panel.first, panel.count,
      [&](Value vector, Value k, Value lane) {
        Value part = arith::DivUIOp::create(b, lane, b.index(width()));
        Value within = arith::RemUIOp::create(b, lane, b.index(width()));
        b.storeVector(vector, weights, {part, b.subi(k, panel.first), within},
                      Value());
      });
}

SmallVector<Value> FloatTiles::sums(const Tile &tile, ValueRange start) {
  Value part = arith::DivUIOp::create(b, tile.lane, b.index(width()));
  return b.loop(
      b.index(0), tile.panel.count, start, [&](Value k, ValueRange old) {
        Value at = b.addi(tile.panel.first, k);
        SmallVector<Value> vectors, next;
        for (int64_t v = 0; v < shape.vectors; ++v)
          vectors.push_back(b.loadVector(facts.lanes, weights,
                                         {part, k, b.index(v * facts.lanes)},
                                         Value()));
        for (int64_t r = 0; r < shape.rows; ++r) {
          Value x = b.broadcast(facts.lanes,
                                b.load(input(0), elementOf(tile.rows[r], at)));
          for (int64_t v = 0; v < shape.vectors; ++v)
            next.push_back(b.fma(x, vectors[v], old[r * shape.vectors + v]));
        }
        return next;
      });
}
