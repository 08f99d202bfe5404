//===- StoredTiles.h - Rows times weights as they are stored ----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_CONTRACTION_STOREDTILES_H
#define MARIMBA_LOWERING_CPU_CONTRACTION_STOREDTILES_H

#include "lowering/CPU/Contraction/TileKernel.h"

namespace mlir::marimba {

/// The micro-kernel over a matrix [N, K] that nobody has packed: inputs are in
/// the lanes, and the lanes of a sum are added up at the end. A tile has a few
/// rows and kChannels channels, each of which is a stream of its own.
///
/// A sum is the same chain whatever the number of rows of the tile: from 0,
/// vector of inputs by vector of inputs, then over the lanes in one order.
class StoredTiles {
public:
  /// Channels of a tile: their sums fill a vector of that many lanes.
  static constexpr int64_t kChannels = 4;

  /// With `dots` pairs of bf16 are multiplied by vdpbf16ps, if both sides are
  /// bf16.
  StoredTiles(KernelBuilder &b, const TileFacts &facts, bool dots)
      : b(b), facts(facts), dots(dots) {}

  /// Rows of a tile whose sums stay in registers.
  int64_t mostRows() const { return facts.registers >= 32 ? 4 : 2; }

  /// The sums of each of `rows` of `input` [R, K] over the channels from
  /// `channel` on of `matrix` [N, K], a vector of kChannels each. Channels from
  /// N on repeat the last one.
  SmallVector<Value> sums(Value input, ArrayRef<Value> rows, Value matrix,
                          Value channel);

private:
  /// What one vector of inputs adds; `mask` is null where it is whole.
  SmallVector<Value> step(Value input, ArrayRef<Value> rows, Value matrix,
                          ArrayRef<Value> channels, Value k, Value mask,
                          ValueRange old);
  Value load(Value memref, Value row, Value k, Value mask);
  /// Where the next tile begins: hardware prefetchers stop at pages, as which
  /// rows of a matrix may begin.
  void prefetchNext(Value matrix, Value channel);
  /// Vectors of the sums of kChannels channels as one vector.
  Value acrossLanes(ArrayRef<Value> sums);
  /// Inputs of a vector.
  int64_t width() const { return pairs ? 2 * facts.lanes : facts.lanes; }

  KernelBuilder &b;
  const TileFacts facts;
  bool dots;
  bool pairs = false; // of the matrix at hand
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_CONTRACTION_STOREDTILES_H
