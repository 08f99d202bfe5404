//===- BlockKernel.h - Few rows times weights in blocks ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_BUILDERS_BLOCKKERNEL_H
#define MARIMBA_LOWERING_CPU_BUILDERS_BLOCKKERNEL_H

#include "lowering/Common/Builders/PostOps.h"

namespace mlir::marimba {

/// The loop nest of a matmul of few rows; derived classes have the arithmetic.
/// Weights are in blocks of 64 channels: [blocks, words, 64], where a word has
/// 32 bits of one channel. Blocks are computed in parallel, so that each thread
/// streams weights of its own: two blocks at a time, since one stream alone
/// does not use the memory's bandwidth, and a few rows at a time, for which a
/// weight is unpacked once.
class BlockKernel {
public:
  static constexpr int64_t kChannels = 64;

  /// What a kernel works on: `words`, a memref of i32 or f32; how many
  /// `channels` of the weight are real, not padding; output [..., N]; bias,
  /// which may be null; what is done to the sums.
  struct Operands {
    Value words, bias, output;
    int64_t channels;
    SmallVector<PostOp> postOps = {};
  };

  BlockKernel(KernelBuilder &b, int64_t lanes)
      : b(b), lanes(std::min(lanes, kChannels)) {}
  virtual ~BlockKernel() = default;

  void emit(const Operands &operands);

protected:
  /// Rows that are computed together, and vectors of channels.
  struct Tile {
    SmallVector<SmallVector<Value>> rows; // indices before the last one
    SmallVector<Value> blocks;
    Value lane;           // the first channel of the tile in each block
    int64_t perBlock = 0; // vectors of a block
    int64_t vectors() const { return perBlock * int64_t(blocks.size()); }
  };
  /// The sums of `tile`, row by row, each of `tile.vectors()` vectors.
  virtual SmallVector<Value> sums(const Tile &tile) = 0;

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
  /// All rows of `blocks`: of `vectors` from `lane` on, or of whole blocks
  /// where that is null.
  void overRows(ArrayRef<Value> blocks, Value lane, int64_t vectors);
  void rowTile(Tile tile, ArrayRef<Value> outer, Value row, int64_t count);
  void store(const Tile &tile, ValueRange sums);

  Operands operands;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_BUILDERS_BLOCKKERNEL_H
