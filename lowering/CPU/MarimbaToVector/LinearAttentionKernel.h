//===- LinearAttentionKernel.h - Heads, blocks of tokens, columns -*- C++ -*-=//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_LINEARATTENTIONKERNEL_H
#define MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_LINEARATTENTIONKERNEL_H

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/Common/Builders/KernelBuilder.h"

namespace mlir::marimba {

/// What the recurrence's two forms, with and without delta rule, share: rows,
/// heads, and blocks of tokens, of which all that is read is copied once, side
/// by side. Elements of values are in the lanes.
class LinearAttentionKernel {
public:
  virtual ~LinearAttentionKernel() = default;
  void emit();

protected:
  /// Some vectors of a head's values.
  struct Columns {
    Value first;
    int64_t vectors;
    Value mask; // of the last vector; null where it is whole
  };

  /// `columns` vectors of values and `rows` of a state are worked on together.
  LinearAttentionKernel(KernelBuilder &b, LinearAttentionOp op, int64_t lanes,
                        int64_t columns, int64_t rows);

  virtual void allocate();
  /// Follows the copy of `count` tokens.
  virtual void prepare(Value count) {}
  /// Tokens [0, count) of a block for some values: updates the state and
  /// writes `sums`.
  virtual void compute(const Columns &columns, Value count) = 0;

  int64_t blockTokens() const;
  bool hasDecayOfHead() { return op.getDecay() && !op.hasChannelDecay(); }
  Value scratch(ArrayRef<int64_t> shape);

  /// Runs `body` for each vector of `count` elements, with the mask of the last
  /// one where it is not whole.
  void overVectors(int64_t count, llvm::function_ref<void(Value, Value)> body);
  /// Runs `body` for all values of a head, some vectors at a time.
  void overColumns(llvm::function_ref<void(const Columns &)> body);
  /// Runs `body` for all rows of a state, some at a time, in order.
  void overRows(llvm::function_ref<void(Value, int64_t)> body);
  /// The same with values that go from row to row.
  SmallVector<Value> overRows(
      ValueRange start,
      llvm::function_ref<SmallVector<Value>(Value, int64_t, ValueRange)> body);

  SmallVector<Value> loadColumns(const Columns &columns, Value from, Value t);
  void storeColumns(const Columns &columns, ValueRange values, Value to,
                    Value t);
  SmallVector<Value> loadState(const Columns &columns, Value n);
  void storeState(const Columns &columns, Value n, ValueRange state);
  /// Rows n, n + 1, ... of the state; behind a head lies the next one.
  void prefetchState(const Columns &columns, Value n, int64_t states,
                     unsigned locality);

  Value rowOf(Value n, int64_t r) { return b.addi(n, b.index(r)); }
  Value element(Value from, Value t, Value n) {
    return b.broadcast(lanes, b.load(from, {t, n}));
  }
  /// The decay of a head at token t; null without.
  Value decayOfHead(Value t);

  KernelBuilder &b;
  LinearAttentionOp op;
  int64_t lanes, size, keySize;  // P and N
  int64_t keysPadded;            // N in whole vectors
  bool single;                   // one token
  Value row, head, group, first; // of the block
  // Of the tokens of a block: queries times scale and keys [tokens, N], what
  // the keys write and what the queries read [tokens, P], decays [tokens] or
  // [tokens, N].
  Value queries, keys, inputs, sums, decays;

private:
  void block(Value count);
  void copyToken(Value t);
  void prefetchToken(Value token);
  void powers();
  void storeOutput(Value t);
  void zeroOutput(Value token);
  Value columnOf(const Columns &columns, int64_t v) {
    return b.addi(columns.first, b.index(v * lanes));
  }

  int64_t vectors, rows; // of the state, together
};

/// The loops of an op with delta_rule.
void emitDeltaRule(KernelBuilder &b, LinearAttentionOp op, int64_t lanes);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_LINEARATTENTIONKERNEL_H
