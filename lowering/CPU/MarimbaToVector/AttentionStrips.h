//===- AttentionStrips.h - Some query rows against some keys ----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_ATTENTIONSTRIPS_H
#define MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_ATTENTIONSTRIPS_H

#include "lowering/CPU/MarimbaToVector/AttentionLoops.h"

namespace mlir::marimba {

/// How many vectors of rows are taken together, and with how many keys (in the
/// scores) or elements of a value (in the output): `vectors` times so many sums
/// are in registers.
struct Micro {
  int64_t vectors, keys, elements;
};

/// Strips of a tile (AttentionTiles.cpp): some vectors of its rows against a
/// block of keys. The tile has put into place what is protected here.
class AttentionStrips : protected AttentionLoops {
protected:
  AttentionStrips(KernelBuilder &b, AttentionOp op, int64_t lanes);

  /// Takes scratch for tiles of so many vectors of rows and blocks of so many
  /// keys; to be called where a parallel loop's body begins.
  void allocate(int64_t vectors, int64_t keys);
  /// Reads the keys and values [key, end) of narrower types, at most as many as
  /// a block has: once for all strips, which take them element by element.
  void widen(Value key, Value end);
  /// What `micro.vectors` vectors of rows from `v` see of keys [key, end).
  void strip(Value v, Value key, Value end, Micro micro);

  /// Row of lane `lane` of vector `v`. Lanes behind the last row repeat it,
  /// down to the store of the result.
  Value rowAt(Value v, int64_t lane);
  Value positionOf(Value r);

  Micro wide, narrow;
  // Of the tile that is emitted: batch row, group, tokens in its cache, first
  // and last query row of the group.
  Value row, kv, past, first, last;
  // [vectors, size, lanes]: scaled queries, weighted sums of values. [vectors,
  // lanes]: of each row the score that has the weight 1, the sum of weights,
  // the position.
  Value queries, sums, largest, totals, positions;

private:
  void score(Value v, Value from, Value count, Micro micro);
  void soften(Value v, Value plane, Value from, Value count, Value whole);
  void weigh(Value v, Value from, Value count, Micro micro);
  SmallVector<Value> step(int64_t count, ValueRange old, Value memory, Value v,
                          Value i, llvm::function_ref<Value(int64_t)> scalar);
  Value rowPositions(Value v);
  Value hide(Value score, Value own, Value key);
  Value kept(Value cache, Value block, Value key, Value i);

  // [wide.vectors, keys, lanes]: scores and then weights of a strip.
  // [wide.vectors, lanes]: what its sums are multiplied by.
  Value scores, shrink;
  // [keys, size]: a block in f32, and its first key; null where the caches are
  // f32 themselves.
  Value keyBlock, valueBlock, blockBegin;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_ATTENTIONSTRIPS_H
