//===- LinearAttentionChunk.h - A chunk as matrix products ------*- C++ -*-===//
//
// Part of Marimba. What the forms of linear_attention have in common.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_PASSES_RECURRENCE_LINEARATTENTIONCHUNK_H
#define MARIMBA_PASSES_RECURRENCE_LINEARATTENTIONCHUNK_H

#include "dialects/Marimba/IR/Marimba.h"
#include "passes/recurrence/ChunkBuilder.h"

namespace mlir::marimba {

/// What is multiplied, and the lanes of a vector.
struct ChunkOptions {
  bool bf16;
  int64_t lanes;
};

/// The loops over groups of keys and their heads around one op on one row and
/// at most `most` tokens.
class LinearAttentionChunk {
public:
  LinearAttentionChunk(RewriterBase &rewriter, LinearAttentionOp op,
                       int64_t most, const ChunkOptions &options);
  virtual ~LinearAttentionChunk() = default;

  /// Output and state.
  SmallVector<Value> emit();

protected:
  /// What the heads of a group share.
  virtual void readGroup(Value group) = 0;
  /// Scratch that goes from head to head.
  virtual SmallVector<Value> scratch() { return {}; }
  /// The next values of output, state and scratch.
  virtual SmallVector<Value> overHead(ValueRange carried) = 0;

  Sizes tokensOf(int64_t columns) { return {tokens, b.attr(columns)}; }
  /// Tokens x elements of head or group `i` of [1, T, heads, elements].
  Value ofHead(Value from, OpFoldResult i) {
    return ofHead(from, i, b.attr(0), tokens);
  }
  Value ofHead(Value from, OpFoldResult i, OpFoldResult first,
               OpFoldResult count);
  /// An element, as f32.
  Value elementOf(Value from, ArrayRef<OpFoldResult> at);
  /// The head's state [N, P] of all, and the inverse.
  Value stateOf(Value states);
  Value putState(Value state, Value states);
  /// Puts what the tokens from `first` on read, scaled and with the skip, into
  /// the output.
  Value putOutput(Value read, Value output, OpFoldResult first,
                  OpFoldResult count);
  /// What the delta rule writes for `count` tokens from `first` on, at most as
  /// many as `lower` has rows: U of U = beta (V - known) + lower U, where the
  /// state before them knows `known` [count, P] of the values, times `decays`
  /// [count] where they are given. The result has all rows, and whole vectors.
  Value written(Value lower, Value known, Value decays, OpFoldResult first,
                OpFoldResult count);
  /// state + left right, after `decayed` of the state and its rows' `decays`
  /// [N], where they are given; some rows after the other, so that they are
  /// still in the first-level cache.
  Value update(Value state, Value decays, Body decayed, Value left,
               Value right);

  ChunkBuilder b;
  LinearAttentionOp op;
  int64_t most, keySize, valueSize, lanes;
  Type f32, factor; // factor: what is multiplied
  Value end;
  OpFoldResult tokens, head;

private:
  Value withoutTokens(Value output, Value all);
};

/// With one log-decay for each head and token, or for each head, or none.
SmallVector<Value> emitHeadDecayChunk(RewriterBase &rewriter,
                                      LinearAttentionOp op, int64_t most,
                                      const ChunkOptions &options);
/// With log-decays of key channels.
SmallVector<Value> emitChannelDecayChunk(RewriterBase &rewriter,
                                         LinearAttentionOp op, int64_t most,
                                         const ChunkOptions &options);

} // namespace mlir::marimba

#endif // MARIMBA_PASSES_RECURRENCE_LINEARATTENTIONCHUNK_H
