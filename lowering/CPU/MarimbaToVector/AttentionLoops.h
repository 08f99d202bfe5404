//===- AttentionLoops.h - What all loops of attention share -----*- C++ -*-===//
//
// Part of Marimba. Attention with a running maximum and sum (Milakov and
// Gimelshein 2018; Dao et al. 2022): scores of a block of keys at a time are
// all that is ever stored. Scores are in units of ln 2, so that 2^x serves.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_ATTENTIONLOOPS_H
#define MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_ATTENTIONLOOPS_H

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/Common/Builders/KernelBuilder.h"

namespace mlir::marimba {

/// Loops of an attention over many tokens, on memrefs, for `threads`: they
/// decide how the work is cut, not what a row's result is.
void emitAttentionTiles(KernelBuilder &b, AttentionOp op, int64_t lanes,
                        int64_t threads);

/// Loops of an attention over one token a row, on memrefs. Many keys are split
/// over threads where the function has a context.
void emitAttentionDecode(KernelBuilder &b, AttentionOp op, int64_t lanes);

/// Below every score that a model produces, and finite, so that differences of
/// two are finite as well.
inline constexpr double kNoScore = -1.0e30;

/// Helpers for the loops of one attention.
class AttentionLoops {
public:
  AttentionLoops(KernelBuilder &b, AttentionOp op, int64_t lanes);

protected:
  /// Memory of f32 (or `element`) and static shape on the thread's stack: to be
  /// called where the body of a parallel loop begins.
  Value scratch(ArrayRef<int64_t> shape, Type element = {});
  using PartBody = llvm::function_ref<void(Value, int64_t, Value)>;
  /// For each vector of a key or query `body(i, count, mask)`, with its first
  /// element, how many of its lanes are in range and, for a partial one at the
  /// end, the mask. Whole vectors are a loop.
  void overHead(PartBody body) { overElements(size, tailMask, body); }
  /// The same for each vector of a value or output.
  void overValue(PartBody body) {
    overElements(valueSize, valueTailMask, body);
  }

  /// Bits of an element of the caches.
  int64_t keptBits();
  /// Writes one token's key and value to the caches.
  void append(Value row, Value group, Value t, Value position);
  /// Zeros for query head `head` of token `t`.
  void storeZeros(Value row, Value t, Value head);

  /// What queries are multiplied by: the scale, and log2 e where there is no
  /// softcap between the product and the exponential.
  double queryFactor();
  /// A score of a scaled query, with the op's softcap if it has one.
  Value bound(Value score);
  /// `a` where it is larger, else `other`: one instruction. A NaN of `a` is
  /// lost here, but not in the exponential.
  Value larger(Value a, Value other);
  /// The first key that a query at `position` sees.
  Value firstKey(Value position);

  /// Rows of a square of vectors become its columns.
  void transpose(MutableArrayRef<Value> rows);
  /// Lane j of the result is the sum of all lanes of vectors[j]: halves are
  /// added until one vector is left. Pairs of elements meet first within 128
  /// bits, where shuffles are cheap, then whole groups of four.
  Value reduceEach(SmallVector<Value> vectors);

  KernelBuilder &b;
  AttentionOp op;
  int64_t lanes;
  int64_t size;      // of a key, dh
  int64_t valueSize; // dv; less than that only where keys hold values
  int64_t perGroup;  // query heads for each head of keys
  // Of the last vector of a key and of a value; null where that is whole.
  Value tailMask, valueTailMask;

private:
  void overElements(int64_t count, Value mask, PartBody body);
  void appendCodes(ValueRange at, ValueRange to, Value from, Value codes,
                   Value scales);
};

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_ATTENTIONLOOPS_H
