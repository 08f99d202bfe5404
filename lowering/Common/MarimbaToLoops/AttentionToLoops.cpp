//===- AttentionToLoops.cpp - Attention, written out ------------*- C++ -*-===//
//
// Part of Marimba. See lowering/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/Common/Builders/Codes.h"
#include "lowering/Common/MarimbaToLoops/MarimbaToLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct LowerAttention : BufferPattern<AttentionOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, AttentionOp op) const override {
    Value q = op.getQuery(), y = op.getOutput();
    Value keys = op.getKeyCache(), values = op.getValueCache();
    Value zero = b.index(0), one = b.index(1), time = b.dim(q, 1);
    Value heads = b.dim(q, 2), size = b.dim(q, 3), groups = b.dim(keys, 1);
    Value valueSize = b.dim(y, 3);
    Value scale = b.constant(op.getScale().convertToDouble());
    int64_t perGroup = cast<MemRefType>(q.getType()).getDimSize(2) /
                       cast<MemRefType>(keys.getType()).getDimSize(1);
    b.loop(zero, b.dim(q, 0), [&](Value row) {
      Value past = b.loadIndex(op.getPast(), row);
      Value tokens = b.rowTokens(op.getValid(), row, time);
      b.loop(zero, tokens, [&](Value t) {
        Value at = b.addi(past, t);
        b.loop(zero, groups, [&](Value g) { append(b, op, row, t, g, at); });
      });
      b.loop(zero, tokens, [&](Value t) {
        Value visible = b.addi(b.addi(past, t), one);
        Value first = zero;
        if (op.getWindow())
          first = b.maxi(b.subi(visible, b.index(*op.getWindow())), zero);
        b.loop(zero, heads, [&](Value head) {
          Value g = arith::DivUIOp::create(b, head, b.index(perGroup));
          auto score = [&](Value s) {
            Value dot = b.loop(
                zero, size, b.constant(0), [&](Value i, ValueRange sums) {
                  Value product =
                      b.mul(b.load(q, {row, t, head, i}),
                            kept(b, keys, op.getKeyScales(), {row, g, s, i}));
                  return SmallVector<Value>{b.add(sums[0], product)};
                })[0];
            return op.getSoftcap()
                       ? b.softcap(b.mul(dot, scale),
                                   op.getSoftcap()->convertToDouble())
                       : b.mul(dot, scale);
          };
          Value largest =
              b.loop(first, visible, score(first), [&](Value s, ValueRange m) {
                return SmallVector<Value>{b.max(m[0], score(s))};
              })[0];
          b.loop(zero, valueSize, [&](Value i) {
            b.store(b.constant(0), y, {row, t, head, i});
          });
          Value total = b.loop(
              first, visible, b.constant(0), [&](Value s, ValueRange sums) {
                Value p = b.exp(b.sub(score(s), largest));
                b.loop(zero, valueSize, [&](Value i) {
                  Value sum =
                      b.add(b.load(y, {row, t, head, i}),
                            b.mul(p, kept(b, values, op.getValueScales(),
                                          {row, g, s, i})));
                  b.store(sum, y, {row, t, head, i});
                });
                return SmallVector<Value>{b.add(sums[0], p)};
              })[0];
          b.loop(zero, valueSize, [&](Value i) {
            b.store(b.div(b.load(y, {row, t, head, i}), total), y,
                    {row, t, head, i});
          });
        });
      });
      b.loop(tokens, time, [&](Value t) {
        b.loop(zero, heads, [&](Value head) {
          b.loop(zero, valueSize, [&](Value i) {
            b.store(b.constant(0), y, {row, t, head, i});
          });
        });
      });
    });
  }

private:
  /// Keeps key and value, unless the key holds it, of token `t` of group `g`
  /// at `at`.
  static void append(KernelBuilder &b, AttentionOp op, Value row, Value t,
                     Value g, Value at) {
    Value zero = b.index(0), size = b.dim(op.getKey(), 3);
    auto keep = [&](Value from, Value cache, Value scales) {
      auto load = [&](Value i) { return b.load(from, {row, t, g, i}); };
      if (!scales)
        return b.loop(zero, size, [&](Value i) {
          b.store(load(i), cache, {row, g, at, i});
        });
      Value most =
          b.loop(zero, size, b.constant(0), [&](Value i, ValueRange old) {
            Value magnitude = math::AbsFOp::create(b, load(i));
            return SmallVector<Value>{b.max(old[0], magnitude)};
          })[0];
      CodeScale scale = codeScaleFor(b, most);
      b.store(scale.scale, scales, {row, g, at});
      b.loop(zero, size, [&](Value i) {
        b.store(codeOf(b, load(i), scale.inverse), cache, {row, g, at, i});
      });
    };
    keep(op.getKey(), op.getKeyCache(), op.getKeyScales());
    if (op.getValue())
      keep(op.getValue(), op.getValueCache(), op.getValueScales());
  }

  /// An element of a cache, by its scale if there are scales.
  static Value kept(KernelBuilder &b, Value cache, Value scales,
                    ArrayRef<Value> at) {
    Value element = b.load(cache, at);
    return scales ? b.mul(element, b.load(scales, at.drop_back())) : element;
  }
};

} // namespace

void mlir::marimba::populateAttentionToLoopsPatterns(
    RewritePatternSet &patterns) {
  patterns.add<LowerAttention>(patterns.getContext());
}
