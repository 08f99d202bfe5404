//===- BlockKernel.cpp - Few rows times weights in blocks -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Builders/BlockKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::marimba;

/// Rows of a tile, and vectors of channels of a block beside one row and beside
/// several: sums of integers and of f32 for all of them are in registers.
static constexpr int64_t kRows = 4, kVectors = 4, kVectorsOfRows = 1;
/// With fewer blocks than this, and so few bytes, parts of a block of so many
/// vectors are the work of a thread.
static constexpr int64_t kFewBlocks = 8, kVectorsOfPart = 2;
/// Blocks that are read side by side.
static constexpr int64_t kStreams = 2;
/// Words ahead, 256 bytes each (docs/results.md).
static constexpr int64_t kWordsAhead = 8;

void BlockKernel::emit(const ContractionOperands &what, ValueRange memrefs) {
  operands = what;
  inputs.assign(memrefs.begin(), memrefs.end());
  int64_t blocks = llvm::divideCeil(operands.channels, kChannels);
  Value end = b.dim(operands.words, 0);
  if (blocks < kFewBlocks) {
    int64_t part = std::min(kChannels, kVectorsOfPart * lanes);
    b.parallel(
        {end, b.index(kChannels)},
        [&](ValueRange at) { overRows(at[0], at[1], part / lanes); }, part);
    return;
  }
  b.parallel(
      {end},
      [&](ValueRange at) {
        Value next = b.addi(at[0], b.index(1));
        if (blocks % kStreams == 0)
          return overRows({at[0], next}, Value(), kVectors);
        b.ifThen(b.cmpi(/*lessThan=*/true, next, end),
                 [&] { overRows({at[0], next}, Value(), kVectors); });
        b.ifThen(b.cmpi(/*lessThan=*/false, next, end),
                 [&] { overRows(at[0], Value(), kVectors); });
      },
      kStreams);
}

void BlockKernel::overRows(ArrayRef<Value> blocks, Value lane,
                           int64_t vectors) {
  Value y = operands.output;
  auto type = cast<MemRefType>(y.getType());
  Tile tile;
  tile.blocks.assign(blocks.begin(), blocks.end());
  tile.lane = lane;
  tile.perBlock = vectors;
  auto tiles = [&](ArrayRef<Value> outer, Value count) {
    // A rest of two or three rows is a tile whose last row is there several
    // times: the weights are read once.
    Value rest = arith::RemUIOp::create(b, count, b.index(kRows));
    Value single =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, rest, b.index(1));
    Value last = b.subi(count, b.index(1));
    Value tiled = b.select(single, last, count);
    b.loop(
        b.index(0), tiled,
        [&](Value row) { rowTile(tile, outer, row, kRows, last); }, kRows);
    b.loop(tiled, count,
           [&](Value row) { rowTile(tile, outer, row, 1, Value()); });
  };
  if (type.getRank() == 2 || type.getDimSize(1) == 1)
    return tiles({}, b.dim(y, 0));
  b.loop(b.index(0), b.dim(y, 0),
         [&](Value batch) { tiles(batch, b.dim(y, 1)); });
}

void BlockKernel::rowTile(Tile tile, ArrayRef<Value> outer, Value row,
                          int64_t count, Value last) {
  int64_t rank = cast<MemRefType>(operands.output.getType()).getRank();
  for (int64_t r = 0; r < count; ++r) {
    SmallVector<Value> at(outer);
    Value next = b.addi(row, b.index(r));
    at.push_back(last && r > 1 ? b.mini(next, last) : next);
    if (rank == 3 && outer.empty())
      at.push_back(b.index(0)); // one token of each sequence
    tile.rows.push_back(at);
  }
  // A part of a block, or all of it, as many vectors at a time as there are
  // registers for.
  int64_t all = tile.lane ? tile.perBlock : kChannels / lanes;
  Value first = tile.lane ? tile.lane : b.index(0);
  tile.perBlock = std::min(all, count == 1 ? kVectors : kVectorsOfRows);
  auto part = [&](Value lane) {
    tile.lane = lane;
    store(tile, sums(tile));
  };
  if (tile.perBlock == all)
    return part(first);
  b.loop(first, b.addi(first, b.index(all * lanes)), part,
         tile.perBlock * lanes);
}

Value BlockKernel::loadWords(const Tile &tile, Value word, int64_t vector) {
  return vector::LoadOp::create(
      b,
      VectorType::get(
          {lanes}, cast<MemRefType>(operands.words.getType()).getElementType()),
      operands.words,
      ValueRange{blockOf(tile, vector), word, laneOf(tile, vector)});
}

void BlockKernel::prefetchWords(const Tile &tile, Value word, int64_t vector) {
  b.prefetch(operands.words,
             {blockOf(tile, vector), b.addi(word, b.index(kWordsAhead)),
              laneOf(tile, vector)},
             /*locality=*/3);
}

void BlockKernel::store(const Tile &tile, ValueRange sums) {
  Consumers consumers(b, lanes, operands);
  for (int64_t v = 0; v < tile.vectors(); ++v) {
    Value first = b.muli(blockOf(tile, v), b.index(kChannels));
    SmallVector<Value> column;
    for (size_t r = 0; r < tile.rows.size(); ++r)
      column.push_back(sums[r * tile.vectors() + v]);
    consumers.store(tile.rows, b.addi(first, laneOf(tile, v)), column);
  }
}
