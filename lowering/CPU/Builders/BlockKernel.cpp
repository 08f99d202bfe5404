//===- BlockKernel.cpp - One row times weights in blocks --------*- C++ -*-===//
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

/// Vectors of a block whose sums are kept at a time, in registers.
static constexpr int64_t kVectors = 8;
/// With fewer blocks than this, or than so many for each thread, parts of a
/// block of so many vectors are the work of a thread.
static constexpr int64_t kFewBlocks = 8, kBlocksOfThread = 2;
static constexpr int64_t kVectorsOfPart = 2;
/// With so many pairs of blocks for each thread it does not matter that some
/// threads have one more.
static constexpr int64_t kPairsOfThread = 4;
static constexpr int64_t kCacheLine = 64;
/// Words ahead, 256 bytes each (docs/results.md).
static constexpr int64_t kWordsAhead = 8;

/// Whether two blocks are read side by side, where whole blocks of both have
/// registers: one stream alone does not use the memory's bandwidth. A part of
/// each word's channels at a time would use less of it than one stream of whole
/// words.
bool BlockKernel::hasTwoStreams(int64_t blocks) const {
  int64_t pairs = llvm::divideCeil(blocks, 2);
  return 2 * kChannels / lanes <= kVectors &&
         (pairs % threads == 0 || pairs >= kPairsOfThread * threads);
}

void BlockKernel::emit(const ContractionOperands &what, ValueRange memrefs) {
  operands = what;
  inputs.assign(memrefs.begin(), memrefs.end());
  int64_t blocks = llvm::divideCeil(operands.channels, kChannels);
  int64_t vectors = kChannels / lanes;
  Value end = b.dim(operands.words, 0);
  if (blocks < std::max(kFewBlocks, kBlocksOfThread * threads)) {
    int64_t part = std::min(kChannels, kVectorsOfPart * lanes);
    b.parallel(
        {end, b.index(kChannels)},
        [&](ValueRange at) { overRows(at[0], at[1], part / lanes); }, part);
    return;
  }
  if (!hasTwoStreams(blocks))
    return b.parallel(
        {end}, [&](ValueRange at) { overRows(at[0], Value(), vectors); });
  b.parallel(
      {end},
      [&](ValueRange at) {
        Value next = b.addi(at[0], b.index(1));
        if (blocks % 2 == 0)
          return overRows({at[0], next}, Value(), vectors);
        b.ifThen(b.cmpi(/*lessThan=*/true, next, end),
                 [&] { overRows({at[0], next}, Value(), vectors); });
        b.ifThen(b.cmpi(/*lessThan=*/false, next, end),
                 [&] { overRows(at[0], Value(), vectors); });
      },
      2);
}

void BlockKernel::overRows(ArrayRef<Value> blocks, Value lane,
                           int64_t vectors) {
  Value y = operands.output;
  auto type = cast<MemRefType>(y.getType());
  Tile tile;
  tile.blocks.assign(blocks.begin(), blocks.end());
  tile.lane = lane;
  tile.perBlock = vectors;
  auto rows = [&](ArrayRef<Value> outer, Value count) {
    b.loop(b.index(0), count, [&](Value row) {
      SmallVector<Value> at(outer);
      at.push_back(row);
      if (type.getRank() == 3 && outer.empty())
        at.push_back(b.index(0)); // one token of each sequence
      oneRow(tile, at);
    });
  };
  if (type.getRank() == 2 || type.getDimSize(1) == 1)
    return rows({}, b.dim(y, 0));
  b.loop(b.index(0), b.dim(y, 0),
         [&](Value batch) { rows(batch, b.dim(y, 1)); });
}

void BlockKernel::oneRow(Tile tile, ArrayRef<Value> row) {
  tile.row.assign(row.begin(), row.end());
  // A part of a block, or all of it, as many vectors at a time as there are
  // registers for.
  int64_t all = tile.lane ? tile.perBlock : kChannels / lanes;
  Value first = tile.lane ? tile.lane : b.index(0);
  tile.perBlock = std::min(all, kVectors);
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
  if (vector * lanes * 4 % kCacheLine != 0)
    return; // came with the vector before
  b.prefetch(operands.words,
             {blockOf(tile, vector), b.addi(word, b.index(kWordsAhead)),
              laneOf(tile, vector)},
             /*locality=*/3);
}

void BlockKernel::store(const Tile &tile, ValueRange sums) {
  Consumers consumers(b, lanes, operands);
  for (int64_t v = 0; v < tile.vectors(); ++v) {
    Value first = b.muli(blockOf(tile, v), b.index(kChannels));
    consumers.store({tile.row}, b.addi(first, laneOf(tile, v)), sums[v]);
  }
}
