//===- LinearAttentionToLoops.cpp - A matrix for each head ------*- C++ -*-===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/Common/MarimbaToLoops/MarimbaToLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct LowerLinearAttention : BufferPattern<LinearAttentionOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, LinearAttentionOp op) const override {
    Value y = op.getOutput();
    Value zero = b.index(0), time = b.dim(y, 1), size = b.dim(y, 3);
    Value perGroup = b.index(op.getChannelGroup());
    b.loop(zero, b.dim(y, 0), [&](Value row) {
      Value tokens = b.rowTokens(op.getValid(), row, time);
      b.loop(zero, b.dim(y, 2), [&](Value head) {
        Value group = arith::DivUIOp::create(b, head, perGroup);
        b.loop(zero, tokens,
               [&](Value t) { token(b, op, {row, t, head, group}); });
        b.loop(tokens, time, [&](Value t) {
          b.loop(zero, size, [&](Value p) {
            b.store(b.constant(0), y, {row, t, head, p});
          });
        });
      });
    });
  }

private:
  struct Place {
    Value row, t, head, group;
    SmallVector<Value> ofHead() const { return {row, t, head}; }
  };

  /// One token of one head: the state decays, gains k u^T and is read.
  static void token(KernelBuilder &b, LinearAttentionOp op, const Place &at) {
    Value state = op.getState(), zero = b.index(0);
    Value keySize = b.dim(state, 2), size = b.dim(state, 3);
    auto stateAt = [&](Value n, Value p) {
      return b.load(state, {at.row, at.head, n, p});
    };
    auto valueAt = [&](Value of, Value p) {
      return b.load(of, {at.row, at.t, at.head, p});
    };
    auto keyAt = [&](Value of, Value n) {
      return b.load(of, {at.row, at.t, at.group, n});
    };
    if (op.getDecay())
      decay(b, op, at);
    b.loop(zero, size, [&](Value p) {
      Value u = valueAt(op.getValues(), p);
      if (op.getStep())
        u = b.mul(u, b.load(op.getStep(), at.ofHead()));
      if (op.getDeltaRule()) {
        Value known =
            b.loop(zero, keySize, b.constant(0), [&](Value n, ValueRange sums) {
              return SmallVector<Value>{
                  b.add(sums[0], b.mul(stateAt(n, p), keyAt(op.getKeys(), n)))};
            })[0];
        u = b.mul(b.load(op.getBeta(), at.ofHead()), b.sub(u, known));
      }
      Value sum =
          b.loop(zero, keySize, b.constant(0), [&](Value n, ValueRange sums) {
            Value next = b.add(stateAt(n, p), b.mul(keyAt(op.getKeys(), n), u));
            b.store(next, state, {at.row, at.head, n, p});
            return SmallVector<Value>{
                b.add(sums[0], b.mul(next, keyAt(op.getQueries(), n)))};
          })[0];
      sum = b.mul(sum, b.constant(op.getScale().convertToDouble()));
      if (op.getD())
        sum = b.add(sum,
                    b.mul(b.load(op.getD(), at.head), valueAt(op.getX(), p)));
      b.store(sum, op.getOutput(), {at.row, at.t, at.head, p});
    });
  }

  /// The state of one head, each row times exp(log-decay).
  static void decay(KernelBuilder &b, LinearAttentionOp op, const Place &at) {
    Value state = op.getState(), zero = b.index(0);
    Value ofHead;
    if (!op.hasChannelDecay())
      ofHead = b.exp(logDecay(b, op, at));
    b.loop(zero, b.dim(state, 2), [&](Value n) {
      Value factor =
          ofHead ? ofHead
                 : b.exp(b.load(op.getDecay(), elementOf(at.ofHead(), n)));
      b.loop(zero, b.dim(state, 3), [&](Value p) {
        SmallVector<Value> place = {at.row, at.head, n, p};
        b.store(b.mul(factor, b.load(state, place)), state, place);
      });
    });
  }

  static Value logDecay(KernelBuilder &b, LinearAttentionOp op,
                        const Place &at) {
    if (cast<MemRefType>(op.getDecay().getType()).getRank() == 3)
      return b.load(op.getDecay(), at.ofHead());
    Value constant = b.load(op.getDecay(), at.head);
    if (!op.getStep())
      return constant;
    return b.mul(b.load(op.getStep(), at.ofHead()), constant);
  }
};

} // namespace

void mlir::marimba::populateLinearAttentionToLoopsPatterns(
    RewritePatternSet &patterns) {
  patterns.add<LowerLinearAttention>(patterns.getContext());
}
