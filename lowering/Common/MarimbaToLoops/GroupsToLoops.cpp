//===- GroupsToLoops.cpp - The rows of each expert, written out -*- C++ -*-===//
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

struct LowerGroupByExpert : BufferPattern<GroupByExpertOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, GroupByExpertOp op) const override {
    Value experts = op.getExperts(), pairs = op.getPairs();
    Value offsets = op.getOffsets();
    Value zero = b.index(0), one = b.index(1);
    Value ends = b.dim(offsets, 0); // E + 1
    Value rows = b.dim(experts, 0), topK = b.dim(experts, 1);
    auto bump = [&](Value at) {
      Value old = b.loadIndex(offsets, at);
      b.storeIndex(b.addi(old, one), offsets, at);
      return old;
    };
    b.loop(zero, ends, [&](Value e) { b.storeIndex(zero, offsets, e); });
    // Count expert e in offsets[e + 1], add up: offsets[e] is where e starts.
    b.loop(zero, rows, [&](Value r) {
      b.loop(zero, topK,
             [&](Value k) { bump(b.addi(b.loadIndex(experts, {r, k}), one)); });
    });
    b.loop(one, ends, [&](Value e) {
      Value sum =
          b.addi(b.loadIndex(offsets, b.subi(e, one)), b.loadIndex(offsets, e));
      b.storeIndex(sum, offsets, e);
    });
    // Place each pair; offsets[e] moves to where e ends, that is e + 1 starts.
    b.loop(zero, rows, [&](Value r) {
      b.loop(zero, topK, [&](Value k) {
        Value at = bump(b.loadIndex(experts, {r, k}));
        b.storeIndex(b.addi(b.muli(r, topK), k), pairs, at);
      });
    });
    b.loop(one, ends, [&](Value i) {
      Value e = b.subi(ends, i);
      b.storeIndex(b.loadIndex(offsets, b.subi(e, one)), offsets, e);
    });
    b.storeIndex(zero, offsets, zero);
    if (op.getOrder())
      listExperts(b, op);
  }

private:
  /// `order`: the experts with pairs, then those without.
  static void listExperts(KernelBuilder &b, GroupByExpertOp op) {
    Value zero = b.index(0), one = b.index(1), order = op.getOrder();
    Value place = zero;
    for (bool used : {true, false})
      place = b.loop(zero, b.dim(order, 0), place, [&](Value e, ValueRange at) {
        Value begin = b.loadIndex(op.getOffsets(), e);
        Value end = b.loadIndex(op.getOffsets(), b.addi(e, one));
        Value listed = b.cmpi(/*lessThan=*/used, begin, end);
        b.ifThen(listed, [&] { b.storeIndex(e, order, at[0]); });
        return SmallVector<Value>{b.select(listed, b.addi(at[0], one), at[0])};
      })[0];
  }
};

/// Sum by sum; the targets that read weights as they are stored have loops of
/// their own.
struct LowerGroupedMatmul : BufferPattern<GroupedMatmulOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, GroupedMatmulOp op) const override {
    Value output = op.getInits()[0];
    b.parallel({b.dim(op.getUp(), 0)}, [&](ValueRange at) {
      Value e = at[0], begin = b.loadIndex(op.getOffsets(), e);
      Value end = b.loadIndex(op.getOffsets(), b.addi(e, b.index(1)));
      b.loop(begin, end, [&](Value i) {
        Value pair = b.loadIndex(op.getPairs(), i);
        Value row = arith::DivUIOp::create(b, pair, b.index(op.getTopK()));
        b.loop(b.index(0), b.dim(output, 1), [&](Value n) {
          auto sum = [&](Value matrices) {
            return b.loop(b.index(0), b.dim(op.getInput(), 1), b.constant(0),
                          [&](Value d, ValueRange old) {
                            Value x = b.load(op.getInput(), {row, d});
                            Value w = b.load(matrices, {e, n, d});
                            return SmallVector<Value>{b.fma(x, w, old[0])};
                          })[0];
          };
          Value y = sum(op.getUp());
          if (op.getGate())
            y = b.mul(b.silu(sum(op.getGate())), y);
          if (op.getRelu2())
            y = b.relu2(y);
          b.store(y, output, {pair, n});
        });
      });
    });
  }
};

struct LowerGatherRows : BufferPattern<GatherRowsOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, GatherRowsOp op) const override {
    Value output = op.getInits()[0], topK = b.index(op.getTopK());
    Value count = b.dim(op.getPairs(), 0);
    b.parallel({count}, [&](ValueRange at) {
      Value i = at[0], pair = b.loadIndex(op.getPairs(), i);
      Value row = arith::DivUIOp::create(b, pair, topK);
      b.loop(b.index(0), b.dim(output, 1), [&](Value h) {
        b.store(b.load(op.getInput(), {row, h}), output, {i, h});
      });
    });
    b.loop(count, b.dim(output, 0), [&](Value i) {
      b.loop(b.index(0), b.dim(output, 1),
             [&](Value h) { b.store(b.constant(0.0), output, {i, h}); });
    });
  }
};

struct LowerScatterAddRows : BufferPattern<ScatterAddRowsOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, ScatterAddRowsOp op) const override {
    Value input = op.getInput(), output = op.getInits()[0];
    Value topK = b.index(op.getTopK());
    // No row twice: they may be added in any order.
    b.parallel({b.dim(input, 0)}, [&](ValueRange at) {
      Value i = at[0], pair = b.loadIndex(op.getPairs(), i);
      Value weight = b.load(op.getWeights(), pair);
      Value row = arith::DivUIOp::create(b, pair, topK);
      b.loop(b.index(0), b.dim(input, 1), [&](Value h) {
        Value sum = b.add(b.load(output, {row, h}),
                          b.mul(weight, b.load(input, {i, h})));
        b.store(sum, output, {row, h});
      });
    });
  }
};

} // namespace

void mlir::marimba::populateGroupsToLoopsPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerGroupByExpert, LowerGroupedMatmul, LowerGatherRows,
               LowerScatterAddRows>(patterns.getContext());
}
