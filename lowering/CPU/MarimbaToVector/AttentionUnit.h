//===- AttentionUnit.h - One token's heads against some keys ----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_ATTENTIONUNIT_H
#define MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_ATTENTIONUNIT_H

#include "lowering/CPU/MarimbaToVector/AttentionLoops.h"

namespace mlir::marimba {

/// The query heads of one group of one token against a range of keys. Elements
/// of a head are in the lanes. Keys are read at several places at once, a
/// stream each, which is what memory is fastest with, and in blocks as in
/// AttentionTiles.cpp. The order of keys in the scores follows: slot p is key
/// p / streams of stream p % streams.
///
/// Of codes, the scale of a key multiplies its scores and that of a value its
/// weights: products are of codes.
class AttentionUnit : protected AttentionLoops {
protected:
  AttentionUnit(KernelBuilder &b, AttentionOp op, int64_t lanes);

  /// Takes scratch; to be called where a parallel loop's body begins.
  void allocate();
  /// Queries of token 0 of `row` in group `kv` against keys [from, to), of
  /// which there is one at least. What they give is in `sums`, `totals` and
  /// `largest`.
  void attend(Value row, Value kv, Value from, Value to);

  int64_t padded; // size of a head in whole vectors
  // [heads, padded]: weighted sums of values. [heads, lanes]: sums of weights,
  // still apart in lanes. [heads]: the score that has the weight 1.
  Value sums, totals, largest;

private:
  void start(Value h);
  void block(Value first);
  Value keyOf(Value k, int64_t i);
  void loadScales(Value begin, Value count);
  void score(ArrayRef<Value> at, Value slot, Value h, bool fetch);
  void soften(Value h, Value first, Value slots);
  Value haveKeys(Value k);
  void weigh(Value first, Value count);
  void addValues(ArrayRef<Value> at, Value slot, Value h, bool fetch);
  void prefetch(Value memory, ArrayRef<Value> at, Value i);

  int64_t together; // heads that share what is loaded of a key
  int64_t heads;    // of a group, a multiple of that
  int64_t streams;
  int64_t line; // elements of a cache line, whole vectors at least
  // Of the unit that is emitted: batch row, group; first and last key, keys of
  // a stream; scaled queries; scores and then weights.
  Value row, kv, first, last, stream;
  Value queries, scores;
  // Of each slot, null where the caches hold no codes.
  Value keyScales, valueScales;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_ATTENTIONUNIT_H
