//===- IntegerTiles.cpp - Tiles of products of bytes ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Quantized/IntegerTiles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <numeric>

using namespace mlir;
using namespace mlir::marimba;

static constexpr int64_t kCacheLine = 64;
/// Inputs of a panel are a multiple of all groups, and of super-blocks.
static constexpr int64_t kDepthStep = 128, kSuperBlock = 256;
/// Fours of inputs that are unrolled in the code: all that sums in 16 bits
/// take, and more where the group has more.
static constexpr int64_t kFoursAtOnce = 16;
/// With sums in 32 bits.
static constexpr int64_t kFoursOfWide = 8;

static Value divide(KernelBuilder &b, Value a, int64_t by) {
  return arith::DivUIOp::create(b, a, b.index(by));
}

TileKernel::Shape IntegerTiles::shapeFor(const TileFacts &facts,
                                         IntegerUnit unit) {
  // Integers and f32 sums of all of a tile are in registers, but for a few:
  // more rows load and store sums for each group (docs/results.md).
  bool many = facts.registers >= 32;
  int64_t rows = unit == IntegerUnit::VNNI && !many ? 6 : 4;
  int64_t vectors = std::min<int64_t>(many ? 4 : 2, kChannels / facts.lanes);
  // A tile's codes fill half of the first-level cache.
  int64_t perInput = vectors * facts.lanes;
  int64_t depth = facts.l1Bytes / 2 / perInput / kSuperBlock * kSuperBlock;
  return {rows, vectors, std::max(depth, kSuperBlock)};
}

IntegerTiles::IntegerTiles(KernelBuilder &b, const TileFacts &facts,
                           IntegerUnit unit, const QuantizedParts &parts)
    : TileKernel(b, facts, shapeFor(facts, unit)), unit(unit), parts(parts) {}

bool IntegerTiles::takesGroups(int64_t size) { return kDepthStep % size == 0; }

void IntegerTiles::emit(const ContractionOperands &operands,
                        ValueRange inputs) {
  groups.emplace(b, unit, parts, facts.lanes, inputs);
  groups->products.chainsOfSum = 1;
  TileKernel::emit(operands, inputs, parts.layout.depth);
}

void IntegerTiles::allocate() {
  int64_t inputs = std::min(shape.depth, depth);
  codes = scratch({kChannels / width(), inputs / 4, width()}, b.getI32Type());
}

void IntegerTiles::produce(const Panel &panel) {
  int64_t perStep = parts.step(), fours = perStep / 4;
  Value first = divide(b, panel.first, perStep);
  b.loop(b.index(0), divide(b, panel.count, perStep), [&](Value step) {
    Value four = b.muli(step, b.index(fours));
    for (int64_t lane = 0; lane < kChannels; lane += facts.lanes) {
      Value at = b.addi(first, step);
      QuantizedParts::Step bits =
          parts.loadStep(facts.lanes, panel.block, at, b.index(lane));
      // The next panel comes while this one is multiplied.
      if (!onePanel() && lane * 4 % kCacheLine == 0)
        for (int64_t w = 0; w < parts.wordsOfStep(); ++w)
          b.prefetch(parts.words,
                     {panel.block,
                      b.addi(b.muli(b.addi(at, b.index(shape.depth / perStep)),
                                    b.index(parts.wordsOfStep())),
                             b.index(w)),
                      b.index(lane)},
                     /*locality=*/2);
      SmallVector<Value, 8> ready = groups->products.prepare(parts, bits);
      for (auto [i, part] : llvm::enumerate(ready))
        vector::StoreOp::create(b, part, codes,
                                ValueRange{b.index(lane / width()),
                                           b.addi(four, b.index(i)),
                                           b.index(lane % width())});
    }
  });
}

SmallVector<Value> IntegerTiles::some(const Tile &tile, Value first,
                                      int64_t count, ValueRange before) {
  IntegerProducts &products = groups->products;
  auto type = VectorType::get({facts.lanes}, b.getI32Type());
  Value part = divide(b, tile.lane, width());
  SmallVector<IntegerProducts::Sum> sums(shape.rows * shape.vectors);
  for (auto [sum, old] : llvm::zip(sums, before))
    sum.chains.push_back(old);
  for (int64_t i = 0; i < count; ++i) {
    Value four = b.addi(first, b.index(i));
    Value k = b.addi(tile.panel.first, b.muli(four, b.index(4)));
    SmallVector<IntegerProducts::Codes> weights;
    for (int64_t v = 0; v < shape.vectors; ++v)
      weights.push_back(products.codesOf(vector::LoadOp::create(
          b, type, codes, ValueRange{part, four, b.index(v * facts.lanes)})));
    for (int64_t r = 0; r < shape.rows; ++r) {
      Value x = products.activations(input(0), tile.rows[r], k);
      for (int64_t v = 0; v < shape.vectors; ++v)
        products.add(sums[r * shape.vectors + v], weights[v], x);
    }
  }
  return llvm::map_to_vector(
      sums, [&](IntegerProducts::Sum &sum) { return products.total(sum); });
}

SmallVector<Value> IntegerTiles::totals(const Tile &tile, Value group) {
  int64_t fours = groups->size() / 4;
  Value first =
      b.subi(b.muli(group, b.index(fours)), divide(b, tile.panel.first, 4));
  int64_t most = groups->products.hasPairs() ? kFoursAtOnce : kFoursOfWide;
  if (fours <= most)
    return some(tile, first, fours, /*before=*/{});
  SmallVector<Value> none(shape.rows * shape.vectors, b.splat(facts.lanes, 0));
  int64_t step = std::gcd(fours, most);
  return b.loop(
      first, b.addi(first, b.index(fours)), none,
      [&](Value four, ValueRange old) { return some(tile, four, step, old); },
      step);
}

SmallVector<Value> IntegerTiles::sums(const Tile &tile, ValueRange start) {
  SmallVector<Channels> channels;
  for (int64_t v = 0; v < shape.vectors; ++v)
    channels.push_back(
        {tile.panel.block, b.addi(tile.lane, b.index(v * facts.lanes))});
  IntegerGroups::Tile rows{tile.rows, channels};
  auto exact = [&](Value group) { return totals(tile, group); };
  Value end = b.addi(tile.panel.first, tile.panel.count);
  const formats::Layout &layout = parts.layout;
  if (layout.groups > 1 || groups->perWeights() == 1)
    return groups->addAll(rows, divide(b, tile.panel.first, layout.group),
                          divide(b, end, layout.group), start, exact);
  // One scale for all panels: it is for the last one.
  Value zero = b.index(0), last = divide(b, end, groups->size());
  SmallVector<Value> part = groups->addUnscaled(
      rows, zero, divide(b, tile.panel.first, groups->size()), last, start,
      exact);
  SmallVector<Value> none(start.size(), b.zeros(facts.lanes));
  SmallVector<Value> all =
      groups->addScaled(rows, zero, zero, last, part, none);
  if (!onePanel())
    for (auto [sum, unscaled] : llvm::zip_equal(all, part))
      sum = b.select(tile.panel.isLast, sum, unscaled);
  return all;
}
