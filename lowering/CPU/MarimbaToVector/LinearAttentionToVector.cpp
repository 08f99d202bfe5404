//===- LinearAttentionToVector.cpp - linear_attention in lanes --*- C++ -*-===//
//
// Part of Marimba. The recurrence: rows of a head's state are in registers over
// a block of tokens. With one token the state is read and written once.
//
// A result is one chain of sums over the key channels, from the first to the
// last, whatever is in registers together: its bits depend on no other token.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Builders/EmitterPattern.h"
#include "lowering/CPU/MarimbaToVector/ChannelBlocks.h"
#include "lowering/CPU/MarimbaToVector/LinearAttentionKernel.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// How far ahead one token's walk through the states is prefetched: hardware
/// stops at each page.
constexpr int64_t kAheadBytes = 2048;

/// The loops of an op without delta rule.
class LinearAttentionTiles : public LinearAttentionKernel {
public:
  // 16 of 32 registers for states, or 8 of 16, beside the values, the sums and
  // what is broadcast.
  LinearAttentionTiles(KernelBuilder &b, LinearAttentionOp op, int64_t lanes)
      : LinearAttentionKernel(b, op, lanes, lanes >= 16 ? 4 : 2, 4) {}

private:
  void compute(const Columns &columns, Value count) override {
    if (single)
      return oneToken(columns);
    overRows([&](Value n, int64_t states) { tile(columns, n, states, count); });
  }

  /// S = decay S + k u, y = y + q S for row n.
  void stepRow(Value t, Value n, Value decay, ValueRange u,
               MutableArrayRef<Value> state, MutableArrayRef<Value> y) {
    if (op.hasChannelDecay())
      decay = element(decays, t, n);
    Value key = element(keys, t, n);
    Value query = element(queries, t, n);
    for (size_t v = 0; v < u.size(); ++v) {
      Value kept = decay ? b.mul(decay, state[v]) : state[v];
      state[v] = b.fma(key, u[v], kept);
      y[v] = b.fma(query, state[v], y[v]);
    }
  }

  /// Rows [n, n + states) of the state over the block's tokens.
  void tile(const Columns &columns, Value n, int64_t states, Value count) {
    SmallVector<Value> start;
    for (int64_t r = 0; r < states; ++r)
      llvm::append_range(start, loadState(columns, rowOf(n, r)));
    SmallVector<Value> end =
        b.loop(b.index(0), count, start, [&](Value t, ValueRange old) {
          SmallVector<Value> state(old);
          SmallVector<Value> u = loadColumns(columns, inputs, t);
          SmallVector<Value> y = loadColumns(columns, sums, t);
          Value decay = decayOfHead(t);
          for (int64_t r = 0; r < states; ++r)
            stepRow(t, rowOf(n, r), decay, u,
                    MutableArrayRef(state).slice(r * columns.vectors,
                                                 columns.vectors),
                    y);
          storeColumns(columns, y, sums, t);
          return state;
        });
    for (int64_t r = 0; r < states; ++r)
      storeState(columns, rowOf(n, r),
                 ArrayRef(end).slice(r * columns.vectors, columns.vectors));
  }

  /// All rows of the state at the only token.
  void oneToken(const Columns &columns) {
    Value t = b.index(0);
    SmallVector<Value> u = loadColumns(columns, inputs, t);
    Value decay = decayOfHead(t);
    SmallVector<Value> zeros(columns.vectors, b.zeros(lanes));
    SmallVector<Value> y =
        overRows(zeros, [&](Value n, int64_t states, ValueRange old) {
          SmallVector<Value> next(old);
          int64_t ahead = std::max<int64_t>(kAheadBytes / (size * 4), states);
          prefetchState(columns, rowOf(n, ahead), states, /*locality=*/3);
          for (int64_t r = 0; r < states; ++r) {
            SmallVector<Value> state = loadState(columns, rowOf(n, r));
            stepRow(t, rowOf(n, r), decay, u, state, next);
            storeState(columns, rowOf(n, r), state);
          }
          return next;
        });
    storeColumns(columns, y, sums, t);
  }
};

struct LinearAttentionEmitter {
  KernelBuilder &b;
  LinearAttentionOp op;
  int64_t lanes;

  LinearAttentionEmitter(KernelBuilder &b, LinearAttentionOp op, int64_t lanes)
      : b(b), op(op), lanes(lanes) {}
  void emit() {
    if (op.getDeltaRule())
      return emitDeltaRule(b, op, lanes);
    LinearAttentionTiles(b, op, lanes).emit();
  }
};

} // namespace

void mlir::marimba::populateLinearAttentionToVectorPatterns(
    RewritePatternSet &patterns, int64_t lanes) {
  patterns.add<EmitterPattern<LinearAttentionOp, LinearAttentionEmitter>>(
      patterns.getContext(), lanes);
}
