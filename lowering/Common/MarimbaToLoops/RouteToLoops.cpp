//===- RouteToLoops.cpp - The choice of experts, written out ----*- C++ -*-===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/Common/MarimbaToLoops/MarimbaToLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// The router of one token.
class TokenRouter {
public:
  TokenRouter(KernelBuilder &b, RouteOp op, Value row, Value t)
      : b(b), op(op), row(row), t(t), zero(b.index(0)), one(b.index(1)),
        experts(b.dim(op.getLogits(), 2)) {}

  void run();

private:
  Value logit(Value e) { return b.load(op.getLogits(), {row, t, e}); }
  void sumSoftmax();
  Value score(Value e);
  Value scratch(Value size, Type element);
  void fillChoices();
  void openBestGroups();
  Value takeBest(Value values, Value open, Value count);

  KernelBuilder &b;
  RouteOp op;
  Value row, t, zero, one, experts;
  Value largest, total; // of the softmax
  Value choices;        // [E]: what is compared
  Value open;           // [E]: 1 where an expert may still be chosen, else 0
};

struct LowerRoute : BufferPattern<RouteOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, RouteOp op) const override {
    Value rows = b.dim(op.getLogits(), 0), time = b.dim(op.getLogits(), 1);
    b.parallel({rows, time},
               [&](ValueRange at) { TokenRouter(b, op, at[0], at[1]).run(); });
  }
};

} // namespace

void TokenRouter::sumSoftmax() {
  largest = b.loop(one, experts, logit(zero), [&](Value e, ValueRange m) {
    return SmallVector<Value>{b.max(m[0], logit(e))};
  })[0];
  total = b.loop(zero, experts, b.constant(0), [&](Value e, ValueRange sums) {
    return SmallVector<Value>{b.add(sums[0], b.exp(b.sub(logit(e), largest)))};
  })[0];
}

Value TokenRouter::score(Value e) {
  if (op.getSigmoid())
    return b.div(b.constant(1), b.add(b.constant(1), b.exp(b.neg(logit(e)))));
  return b.div(b.exp(b.sub(logit(e), largest)), total);
}

Value TokenRouter::scratch(Value size, Type element) {
  int64_t count = getConstantIntValue(size).value();
  return memref::AllocaOp::create(b, MemRefType::get({count}, element));
}

void TokenRouter::fillChoices() {
  choices = scratch(experts, b.getF32Type());
  open = scratch(experts, b.getI32Type());
  bool grouped = op.getGroups() > 1;
  // Logits are in the order of their softmax, and do not underflow.
  bool asLogits = !op.getSigmoid() && !op.getBias() && !grouped;
  b.loop(zero, experts, [&](Value e) {
    Value choice = asLogits ? logit(e) : score(e);
    if (op.getBias())
      choice = b.add(choice, b.load(op.getBias(), e));
    b.store(choice, choices, e);
    b.storeIndex(grouped ? zero : one, open, e);
  });
}

/// Opens the experts of the groups whose two best choices have the largest
/// sums.
void TokenRouter::openBestGroups() {
  Value groups = b.index(static_cast<int64_t>(op.getGroups()));
  Value size = b.index(*getConstantIntValue(experts) /
                       static_cast<int64_t>(op.getGroups()));
  Value sums = scratch(groups, b.getF32Type());
  Value left = scratch(groups, b.getI32Type());
  b.loop(zero, groups, [&](Value group) {
    Value begin = b.muli(group, size);
    auto choice = [&](int64_t i) {
      return b.load(choices, b.addi(begin, b.index(i)));
    };
    auto isMore = [&](Value x, Value y) -> Value {
      return arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, y);
    };
    Value first = choice(0), second = choice(1);
    Value swap = isMore(second, first);
    SmallVector<Value> best{b.select(swap, second, first),
                            b.select(swap, first, second)};
    best = b.loop(b.index(2), size, best, [&](Value i, ValueRange held) {
      Value c = b.load(choices, b.addi(begin, i));
      Value leads = isMore(c, held[0]), follows = isMore(c, held[1]);
      return SmallVector<Value>{
          b.select(leads, c, held[0]),
          b.select(leads, held[0], b.select(follows, c, held[1]))};
    });
    b.store(b.add(best[0], best[1]), sums, group);
    b.storeIndex(one, left, group);
  });
  Value kept = b.index(static_cast<int64_t>(op.getTopGroups()));
  b.loop(zero, kept, [&](Value) {
    Value begin = b.muli(takeBest(sums, left, groups), size);
    b.loop(zero, size,
           [&](Value i) { b.storeIndex(one, open, b.addi(begin, i)); });
  });
}

/// The place of the largest of `values` that are open, the lower one where two
/// are equal; closes it. `best` starts at "none" (= count), so that every place
/// is taken at most once and is in range, NaN or not.
Value TokenRouter::takeBest(Value values, Value isOpen, Value count) {
  SmallVector<Value> none{count, b.constant(0)};
  Value best = b.loop(zero, count, none, [&](Value i, ValueRange held) {
    Value closed = b.isZero(b.loadIndex(isOpen, i));
    Value isNone =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, held[0], count);
    Value value = b.load(values, i);
    Value larger =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, value, held[1]);
    Value better = arith::OrIOp::create(b, isNone, larger);
    return SmallVector<Value>{
        b.select(closed, held[0], b.select(better, i, held[0])),
        b.select(closed, held[1], b.select(better, value, held[1]))};
  })[0];
  b.storeIndex(zero, isOpen, best);
  return best;
}

void TokenRouter::run() {
  if (!op.getSigmoid())
    sumSoftmax();
  fillChoices();
  if (op.getGroups() > 1)
    openBestGroups();
  Value weights = op.getWeights(), topK = b.dim(weights, 2);
  Value sum = b.loop(zero, topK, b.constant(0), [&](Value k, ValueRange sums) {
    Value best = takeBest(choices, open, experts);
    b.storeIndex(best, op.getExperts(), {row, t, k});
    Value weight = score(best);
    b.store(weight, weights, {row, t, k});
    return SmallVector<Value>{b.add(sums[0], weight)};
  })[0];
  bool scaled = !op.getScale().isExactlyValue(1.0);
  if (!op.getNormalize() && !scaled)
    return;
  if (!op.getEpsilon().isZero())
    sum = b.add(sum, b.constant(op.getEpsilon().convertToDouble()));
  b.loop(zero, topK, [&](Value k) {
    Value weight = b.load(weights, {row, t, k});
    if (op.getNormalize())
      weight = b.div(weight, sum);
    if (scaled)
      weight = b.mul(weight, b.constant(op.getScale().convertToDouble()));
    b.store(weight, weights, {row, t, k});
  });
}

void mlir::marimba::populateRouteToLoopsPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerRoute>(patterns.getContext());
}
