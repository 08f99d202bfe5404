//===- AttentionStrips.h - Some query rows against some keys ----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_ATTENTIONSTRIPS_H
#define MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_ATTENTIONSTRIPS_H

#include "lowering/CPU/MarimbaToVector/AttentionLoops.h"

namespace mlir::marimba {

/// The register tile: `vectors` vectors of rows times `keys` keys (for scores)
/// or `elements` elements of a value (for the output).
struct Micro {
  int64_t vectors, keys, elements;
};

/// Strips of a tile (AttentionTiles.cpp): some vectors of its rows against a
/// block of keys. The derived class, which emits the tile, sets the protected
/// members.
class AttentionStrips : protected AttentionLoops {
protected:
  AttentionStrips(KernelBuilder &b, AttentionOp op, int64_t lanes);

  /// Allocates scratch for tiles of `vectors` vectors of rows and blocks of
  /// `keys` keys; to be called where a parallel loop's body begins.
  void allocate(int64_t vectors, int64_t keys);
  /// Widens the keys and values [key, end) of a narrower type to f32, at most a
  /// block of them: once for all strips, which read them element by element.
  void widen(Value key, Value end);
  /// `micro.vectors` vectors of rows from `v` on against those of the keys
  /// [key, end) that they see.
  void strip(Value v, Value key, Value end, Micro micro);

  /// Row of lane `lane` of vector `v`. Lanes after the last row repeat it, and
  /// store the same result.
  Value rowAt(Value v, int64_t lane);
  Value positionOf(Value r);

  Micro wide, narrow;
  // Of the tile that is emitted: batch row, group, tokens in its cache, first
  // and last query row of the group.
  Value row, kv, past, first, last;
  // [vectors, size, lanes]: scaled queries. [vectors, valueSize, lanes]:
  // weighted sums of values. [vectors, lanes]: of each row the running maximum
  // of the scores, the sum of weights, the position.
  Value queries, sums, largest, totals, positions;

private:
  void score(Value v, Value from, Value count, Micro micro);
  void rescale(Value v, Value plane, Value from, Value count, Value whole);
  void accumulate(Value v, Value from, std::array<Value, 3> ends, Micro micro);
  SmallVector<Value> step(int64_t count, ValueRange old, Value memory, Value v,
                          Value i, llvm::function_ref<Value(int64_t)> scalar);
  Value rowPositions(Value v);
  Value sees(Value own, Value key);
  Value hide(Value score, Value own, Value key);
  Value kept(Value cache, Value block, Value key, Value i);

  // [wide.vectors, keys, lanes]: scores, and then weights, of a strip.
  // [wide.vectors, lanes]: what its sums are rescaled by.
  Value scores, factors;
  // [keys, size]: a block in f32, and its first key; null where the caches hold
  // f32. The two are one where keys hold the values.
  Value keyBlock, valueBlock, blockBegin;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_ATTENTIONSTRIPS_H
