//===- TileKernel.h - Many rows times weights in blocks ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_CONTRACTION_TILEKERNEL_H
#define MARIMBA_LOWERING_CPU_CONTRACTION_TILEKERNEL_H

#include "lowering/CPU/Contraction/Consumers.h"

namespace mlir::marimba {

/// What tiles are chosen for: a processor and a team of threads.
struct TileFacts {
  int64_t lanes;            // of f32 in a vector
  int64_t registers;        // of vectors
  int64_t l1Bytes, l2Bytes; // caches of one core
  int64_t threads;
  bool matrixTiles = false; // AMX, of bf16 and of bytes

  /// Vectors of `lanes` on `threads` threads, with the smallest caches that
  /// processors with such vectors have.
  static TileFacts of(int64_t lanes, int64_t threads);
};

/// The loop nest of a contraction of many rows with a weight in blocks of 64
/// channels; derived classes have the micro-kernel of a unit. It reads the
/// words that BlockKernel reads, and sums in the same order: from 0, input by
/// input, whatever the number of rows. So a row has the same bits in all calls.
///
/// A task is one block of channels and some rows. For some inputs at a time it
/// makes a panel of weights (`produce`), which stays in the second-level cache,
/// and goes over its tiles; sums wait in scratch of its own for the next
/// inputs.
class TileKernel {
public:
  static constexpr int64_t kChannels = Consumers::kChannels;

  virtual ~TileKernel() = default;

  /// Emits the nest. `inputs` are memrefs [..., any] whose rows are those of
  /// the output, of rank 2 or 3 (RowViews.h); the first one is x, and `depth`
  /// (K) how many elements of its rows count.
  void emit(const ContractionOperands &operands, ValueRange inputs,
            int64_t depth);

protected:
  /// Sizes of a tile and of what a panel has.
  struct Shape {
    int64_t rows;    // of a tile
    int64_t vectors; // of channels of a tile; a power of two
    int64_t depth;   // inputs of a panel, at most
  };
  /// Inputs [first, first + count) of a block of channels.
  struct Panel {
    Value block;
    Value first, count;
    Value isFirst, isLast; // of those of the block; null where it is the only
  };
  struct Tile {
    /// Indices before the last one, of inputs and output. Of the task's last
    /// tile they may be there several times.
    SmallVector<SmallVector<Value>> rows;
    Value lane;        // its first channel within the block
    Value slot;        // of its first row in the task's scratch
    Value first, stop; // the rows that there are, by their last index
    Panel panel;
  };

  TileKernel(KernelBuilder &b, const TileFacts &facts, Shape shape);

  /// Takes scratch of a task (`scratch`).
  virtual void allocate() {}
  /// Prepares the weights of a panel for all tiles.
  virtual void produce(const Panel &panel) {}
  /// The micro-kernel: `start` plus the products of the tile's rows and
  /// channels with the panel's inputs; row by row, `shape.vectors` vectors of
  /// f32 each.
  virtual SmallVector<Value> sums(const Tile &tile, ValueRange start) = 0;
  /// All that is done with a tile of a panel: by default the micro-kernel on
  /// registers.
  virtual void compute(const Tile &tile);

  /// Memory of a task, aligned to cache lines. At most 256 KiB together.
  Value scratch(ArrayRef<int64_t> sizes, Type element = {});
  Value input(int64_t i) const { return inputs[i]; }
  Value channelOf(const Tile &tile, int64_t vector);
  /// Whether all inputs are in one panel.
  bool onePanel() const { return depth <= shape.depth; }
  int64_t width() const { return shape.vectors * facts.lanes; }

  KernelBuilder &b;
  const TileFacts facts;
  Shape shape;
  ContractionOperands operands;
  int64_t depth = 0;
  /// Sums of the task, or where all inputs are in one panel of a tile: [rows,
  /// 64] of f32.
  Value partial;

private:
  void task(Value block, Value begin, Value end, SmallVector<Value> outer);
  void tiles(const Panel &panel, Value begin, Value end, ArrayRef<Value> outer);

  SmallVector<Value> inputs;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_CONTRACTION_TILEKERNEL_H
