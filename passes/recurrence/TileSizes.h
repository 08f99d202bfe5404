//===- TileSizes.h - How large the tiles of a recurrence are ----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_RECURRENCE_TILESIZES_H
#define MARIMBA_PASSES_RECURRENCE_TILESIZES_H

#include "dialects/Marimba/IR/Marimba.h"

namespace mlir::marimba {

/// Elements of the largest buffer that a tile may need: f32 on a thread's stack
/// (--stack-scratch). An op that needs more for one token and one vector of
/// channels stays whole.
constexpr int64_t kMostElements = 1 << 16;

/// The options of tile-recurrences (Passes.td).
struct RecurrenceTileSizes {
  int64_t channels, tokens, chunk, stateBytes, threads, lanes;

  /// Whether one token and one vector of channels, or one head, are few enough
  /// elements for a tile.
  bool fit(RecurrenceOpInterface op) const;

  /// One row, one group of channels, all of time: sizes of the iteration space,
  /// 0 where it is not cut.
  SmallVector<OpFoldResult> ofGroup(RecurrenceOpInterface op) const;

  /// A block of time.
  SmallVector<OpFoldResult> ofBlock(RecurrenceOpInterface op) const;

private:
  /// The smallest piece of the channels: a vector of them, or a head.
  int64_t unitOf(RecurrenceOpInterface op) const;
  int64_t tokensOf(RecurrenceOpInterface op) const;
  int64_t mostChannels(RecurrenceOpInterface op) const;
  int64_t evenGroup(RecurrenceOpInterface op, int64_t width,
                    int64_t most) const;
};

} // namespace mlir::marimba

#endif // MARIMBA_PASSES_RECURRENCE_TILESIZES_H
