//===- RotaryToLoops.cpp - Rotary embedding, written out --------*- C++ -*-===//
//
// Part of Marimba. See lowering/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/Common/MarimbaToLoops/MarimbaToLoops.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct LowerRotaryTable : BufferPattern<RotaryTableOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, RotaryTableOp op) const override {
    Value cos = op.getCos(), sin = op.getSin(), zero = b.index(0);
    int64_t count = op.getFrequencies().size();
    Value table =
        memref::AllocaOp::create(b, MemRefType::get({count}, b.getF32Type()));
    for (auto [j, frequency] : llvm::enumerate(op.getFrequencies()))
      b.store(b.constant(frequency), table, b.index(j));
    b.loop(zero, b.dim(cos, 0), [&](Value row) {
      Value past = b.loadIndex(op.getPast(), row);
      b.loop(zero, b.dim(cos, 1), [&](Value t) {
        Value position = b.toFloat(b.addi(past, t));
        b.loop(zero, b.index(count), [&](Value j) {
          Value angle = b.mul(position, b.load(table, j));
          SmallVector<Value> at{row, t, j};
          b.store(math::CosOp::create(b, angle), cos, at);
          b.store(math::SinOp::create(b, angle), sin, at);
        });
      });
    });
  }
};

struct LowerRotaryEmbedding : BufferPattern<RotaryEmbeddingOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, RotaryEmbeddingOp op) const override {
    Value x = op.getInput(), y = op.getOutput(), zero = b.index(0);
    Value size = b.dim(x, 3), pairs = b.dim(op.getCos(), 2);
    b.loop(zero, b.dim(x, 0), [&](Value row) {
      b.loop(zero, b.dim(x, 1), [&](Value t) {
        b.loop(zero, b.dim(x, 2), [&](Value head) {
          b.loop(zero, pairs, [&](Value j) {
            Value second = b.addi(j, pairs);
            Value c = b.load(op.getCos(), {row, t, j});
            Value s = b.load(op.getSin(), {row, t, j});
            Value u = b.load(x, {row, t, head, j});
            Value v = b.load(x, {row, t, head, second});
            b.store(b.sub(b.mul(u, c), b.mul(v, s)), y, {row, t, head, j});
            b.store(b.add(b.mul(v, c), b.mul(u, s)), y, {row, t, head, second});
          });
          b.loop(b.addi(pairs, pairs), size, [&](Value i) {
            b.store(b.load(x, {row, t, head, i}), y, {row, t, head, i});
          });
        });
      });
    });
  }
};

} // namespace

void mlir::marimba::populateRotaryToLoopsPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerRotaryTable, LowerRotaryEmbedding>(patterns.getContext());
}
