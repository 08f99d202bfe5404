//===- AttentionDecodeKernel.h - One query token, some keys -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_ATTENTIONDECODEKERNEL_H
#define MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_ATTENTIONDECODEKERNEL_H

#include "lowering/CPU/MarimbaToVector/AttentionLoops.h"

namespace mlir::marimba {

/// The decode kernel: the query heads of one group of one token against a range
/// of keys, with an online softmax. Elements of a head are in the lanes. The
/// range is cut into `streams` parts that are read in turns, because memory is
/// fastest that way, and into blocks as in AttentionTiles.cpp. Scores are kept
/// in that order: slot p is key p / streams of stream p % streams.
///
/// In caches of 8-bit codes, the scale of a key multiplies its scores and that
/// of a value its weights, so that products are of codes.
class AttentionDecodeKernel : protected AttentionLoops {
protected:
  AttentionDecodeKernel(KernelBuilder &b, AttentionOp op, int64_t lanes);

  /// Allocates scratch; to be called where a parallel loop's body begins.
  void allocate();
  /// Queries of token 0 of `row` in group `kv` against keys [from, to), at
  /// least one. The results are in `sums`, `totals` and `largest`.
  void attend(Value row, Value kv, Value from, Value to);

  int64_t paddedValue; // size of a value in whole vectors
  // [heads, paddedValue]: weighted sums of values. [heads, lanes]: sums of
  // weights, a partial sum in each lane. [heads]: the running maximum of the
  // scores.
  Value sums, totals, largest;

private:
  void start(Value h);
  void block(Value first);
  Value keyOf(Value k, int64_t i);
  void loadScales(Value begin, Value count);
  void score(ArrayRef<Value> at, Value slot, Value h, bool fetch);
  void rescale(Value h, Value first, Value slots);
  Value haveKeys(Value k);
  void accumulate(Value first, Value count);
  void addValues(ArrayRef<Value> at, Value slot, Value h, bool fetch);
  void prefetch(Value memory, ArrayRef<Value> at, Value i);

  int64_t together; // heads that share a loaded vector of a key
  int64_t heads;    // of a group, a multiple of that
  int64_t streams;
  int64_t line; // elements of a cache line, whole vectors at least
  // Of the range that is emitted: batch row, group; first and last key, keys of
  // a stream; scaled queries; scores, and then weights.
  Value row, kv, first, last, stream;
  Value queries, scores;
  // Of each slot, null where the caches hold no codes.
  Value keyScales, valueScales;
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_ATTENTIONDECODEKERNEL_H
