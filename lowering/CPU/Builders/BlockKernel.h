//===- BlockKernel.h - One row times weights in blocks ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_BUILDERS_BLOCKKERNEL_H
#define MARIMBA_LOWERING_CPU_BUILDERS_BLOCKKERNEL_H

#include "lowering/CPU/Contraction/TileKernel.h"

namespace mlir::marimba {

/// The loop nest of a matmul of one row, which waits for memory; derived
/// classes have the arithmetic. Weights are in blocks of 64 channels: [blocks,
/// words, 64], where a word has 32 bits of one channel. Blocks are computed in
/// parallel, so that each thread streams weights of its own. Several rows would
/// be computed one after the other: TileKernel reads weights once for them.
class BlockKernel {
public:
  static constexpr int64_t kChannels = Consumers::kChannels;

  BlockKernel(KernelBuilder &b, const TileFacts &facts)
      : b(b), lanes(std::min(facts.lanes, kChannels)), threads(facts.threads) {}
  virtual ~BlockKernel() = default;

  /// `inputs` are memrefs whose rows are those of the output; the first one
  /// is x.
  void emit(const ContractionOperands &operands, ValueRange inputs);

protected:
  /// A row and some vectors of channels.
  struct Tile {
    SmallVector<Value> row; // indices before the last one
    SmallVector<Value> blocks;
    Value lane;           // the first channel of the tile in each block
    int64_t perBlock = 0; // vectors of a block
    int64_t vectors() const { return perBlock * int64_t(blocks.size()); }
  };
  /// The sums of `tile`, `tile.vectors()` vectors.
  virtual SmallVector<Value> sums(const Tile &tile) = 0;

  Value input(int64_t i) const { return inputs[i]; }
  Value blockOf(const Tile &tile, int64_t vector) {
    return tile.blocks[vector / tile.perBlock];
  }
  Value laneOf(const Tile &tile, int64_t vector) {
    return b.addi(tile.lane, b.index(vector % tile.perBlock * lanes));
  }
  /// One word of each channel of a vector.
  Value loadWords(const Tile &tile, Value word, int64_t vector);
  /// Prefetches the words that are some way after `word`: the hardware
  /// prefetcher stops at each page.
  void prefetchWords(const Tile &tile, Value word, int64_t vector);

  KernelBuilder &b;
  int64_t lanes;

private:
  bool hasTwoStreams(int64_t blocks) const;
  /// All rows of `blocks`: of `vectors` from `lane` on, or of whole blocks
  /// where that is null.
  void overRows(ArrayRef<Value> blocks, Value lane, int64_t vectors);
  void oneRow(Tile tile, ArrayRef<Value> row);
  void store(const Tile &tile, ValueRange sums);

  int64_t threads;
  ContractionOperands operands;
  SmallVector<Value> inputs;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_BUILDERS_BLOCKKERNEL_H
