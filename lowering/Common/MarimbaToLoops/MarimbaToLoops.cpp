//===- MarimbaToLoops.cpp - The definitions, written out --------*- C++ -*-===//
//
// Part of Marimba. See lowering/Common/Passes.td.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/MarimbaToLoops/MarimbaToLoops.h"

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/Common/Builders/KernelBuilder.h"
#include "lowering/Common/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "convert-marimba-to-loops"

namespace mlir::marimba {
#define GEN_PASS_DEF_CONVERTMARIMBATOLOOPS
#include "lowering/Common/ConvertMarimbaToLoops.h.inc"
} // namespace mlir::marimba

using namespace mlir;
using namespace mlir::marimba;

void mlir::marimba::updateConvState(KernelBuilder &b, Value input, Value state,
                                    Value row, Value tokens, Value begin,
                                    Value end) {
  // Column j becomes input n - (W-1) + j, or what column n + j was: only
  // columns after j are read, so the order is safe in place.
  Value columns = b.dim(state, 1);
  b.loop(b.index(0), columns, [&](Value j) {
    Value from = b.addi(tokens, j);
    Value inState = b.cmpi(/*lessThan=*/true, from, columns);
    b.loop(begin, end, [&](Value d) {
      Value value = b.ifElse(
          inState, [&] { return b.load(state, {row, from, d}); },
          [&] { return b.load(input, {row, b.subi(from, columns), d}); });
      b.store(value, state, {row, j, d});
    });
  });
}

namespace {

struct LowerConv : BufferPattern<CausalConv1dOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, CausalConv1dOp op) const override {
    Value x = op.getInput(), w = op.getWeight(), y = op.getOutput();
    Value state = op.getState();
    Value zero = b.index(0), width = b.dim(w, 0);
    Value columns = b.dim(state, 1), time = b.dim(x, 1), channels = b.dim(x, 2);
    b.loop(zero, b.dim(x, 0), [&](Value row) {
      b.loop(zero, time, [&](Value t) {
        b.loop(zero, channels, [&](Value d) {
          Value start = op.getBias() ? b.load(op.getBias(), d) : b.constant(0);
          Value sum = b.loop(zero, width, start, [&](Value k, ValueRange sums) {
            Value from = b.addi(t, k); // column of (state ++ input)
            Value value = b.ifElse(
                b.cmpi(true, from, columns),
                [&] { return b.load(state, {row, from, d}); },
                [&] { return b.load(x, {row, b.subi(from, columns), d}); });
            return SmallVector<Value>{
                b.add(sums[0], b.mul(b.load(w, {k, d}), value))};
          })[0];
          b.store(op.getSilu() ? b.silu(sum) : sum, y, {row, t, d});
        });
      });
      updateConvState(b, x, state, row, b.rowTokens(op.getValid(), row, time),
                      zero, channels);
    });
  }
};

struct LowerScan : BufferPattern<ScanOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, ScanOp op) const override {
    Value states = op.getStates(), state = op.getState();
    Value zero = b.index(0), time = b.dim(states, 1);
    b.loop(zero, b.dim(states, 0), [&](Value row) {
      Value tokens = b.rowTokens(op.getValid(), row, time);
      b.loop(zero, rowsOf(b, op), [&](Value n) {
        b.loop(zero, b.dim(states, 3), [&](Value d) {
          SmallVector<Value> parts = partsOf(b, op, n), start;
          for (Value part : parts)
            start.push_back(b.load(state, {row, part, d}));
          SmallVector<Value> last =
              b.loop(zero, tokens, start, [&](Value t, ValueRange h) {
                SmallVector<Value> decay, next;
                for (Value part : parts) {
                  decay.push_back(b.load(op.getDecay(), {row, t, part, d}));
                  next.push_back(b.load(op.getInput(), {row, t, part, d}));
                }
                next = step(b, decay, h, next);
                for (auto [part, value] : llvm::zip(parts, next))
                  b.store(value, states, {row, t, part, d});
                return next;
              });
          for (auto [part, value] : llvm::zip(parts, last)) {
            b.store(value, state, {row, part, d});
            b.loop(tokens, time, [&, at = part](Value t) {
              b.store(b.constant(0), states, {row, t, at, d});
            });
          }
        });
      });
    });
  }

  /// How many states there are: a complex one has two rows.
  static Value rowsOf(KernelBuilder &b, ScanOp op) {
    Value rows = b.dim(op.getState(), 1);
    return op.getComplex() ? arith::DivUIOp::create(b, rows, b.index(2)) : rows;
  }
  /// The rows of state n.
  static SmallVector<Value> partsOf(KernelBuilder &b, ScanOp op, Value n) {
    if (!op.getComplex())
      return {n};
    return {n, b.addi(n, rowsOf(b, op))};
  }
  /// decay * h + input
  static SmallVector<Value> step(KernelBuilder &b, ValueRange decay,
                                 ValueRange h, ValueRange input) {
    if (decay.size() == 1)
      return {b.add(b.mul(decay[0], h[0]), input[0])};
    return {
        b.add(b.sub(b.mul(decay[0], h[0]), b.mul(decay[1], h[1])), input[0]),
        b.add(b.add(b.mul(decay[0], h[1]), b.mul(decay[1], h[0])), input[1])};
  }
};

struct LowerSelectiveScan : BufferPattern<SelectiveScanOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, SelectiveScanOp op) const override {
    Value y = op.getOutput(), state = op.getState();
    Value zero = b.index(0), time = b.dim(y, 1), channels = b.dim(y, 2);
    Value states = b.dim(state, 1);
    b.loop(zero, b.dim(y, 0), [&](Value row) {
      Value tokens = b.rowTokens(op.getValid(), row, time);
      b.loop(zero, tokens, [&](Value t) {
        b.loop(zero, channels, [&](Value d) {
          Value delta = b.load(op.getDelta(), {row, t, d});
          if (op.getDeltaBias())
            delta = b.add(delta, b.load(op.getDeltaBias(), d));
          if (op.getDeltaSoftplus())
            delta = b.softplus(delta);
          Value u = b.load(op.getU(), {row, t, d});
          Value du = b.mul(delta, u);
          Value sum = b.loop(
              zero, states, b.constant(0), [&](Value n, ValueRange sums) {
                Value decay = b.exp(b.mul(delta, b.load(op.getA(), {n, d})));
                Value h = b.add(b.mul(decay, b.load(state, {row, n, d})),
                                b.mul(du, b.load(op.getB(), {row, t, n})));
                b.store(h, state, {row, n, d});
                return SmallVector<Value>{
                    b.add(sums[0], b.mul(h, b.load(op.getC(), {row, t, n})))};
              })[0];
          if (op.getD())
            sum = b.add(sum, b.mul(b.load(op.getD(), d), u));
          if (op.getZ())
            sum = b.mul(sum, b.silu(b.load(op.getZ(), {row, t, d})));
          b.store(sum, y, {row, t, d});
        });
      });
      b.loop(tokens, time, [&](Value t) {
        b.loop(zero, channels,
               [&](Value d) { b.store(b.constant(0), y, {row, t, d}); });
      });
    });
  }
};

struct LowerScanSummary : BufferPattern<ScanSummaryOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, ScanSummaryOp op) const override {
    Value zero = b.index(0), time = b.dim(op.getU(), 1);
    b.loop(zero, b.dim(op.getU(), 0), [&](Value row) {
      b.loop(zero, b.rowTokens(op.getValid(), row, time), [&](Value t) {
        b.loop(zero, b.dim(op.getU(), 2), [&](Value d) {
          Value delta = b.load(op.getDelta(), {row, t, d});
          Value du = b.mul(delta, b.load(op.getU(), {row, t, d}));
          b.loop(zero, b.dim(op.getState(), 1), [&](Value n) {
            Value decay = b.exp(b.mul(delta, b.load(op.getA(), {n, d})));
            b.store(b.add(b.mul(decay, b.load(op.getState(), {row, n, d})),
                          b.mul(du, b.load(op.getB(), {row, t, n}))),
                    op.getState(), {row, n, d});
          });
          b.store(b.add(b.load(op.getElapsed(), {row, d}), delta),
                  op.getElapsed(), {row, d});
        });
      });
    });
  }
};

struct ConvertMarimbaToLoopsPass
    : mlir::marimba::impl::ConvertMarimbaToLoopsBase<
          ConvertMarimbaToLoopsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<LowerConv, LowerScan, LowerSelectiveScan, LowerScanSummary>(
        &getContext());
    populateAttentionToLoopsPatterns(patterns);
    populateGroupsToLoopsPatterns(patterns);
    populateLinearAttentionToLoopsPatterns(patterns);
    populateLTIToLoopsPatterns(patterns);
    populateRotaryToLoopsPatterns(patterns);
    populateRouteToLoopsPatterns(patterns);
    populateQuantizedToLoopsPatterns(patterns);
    CountRewrites counter(DEBUG_TYPE, numConverted, [](Operation *op) {
      return isa_and_present<MarimbaDialect>(op->getDialect());
    });
    walkAndApplyPatterns(getOperation(), std::move(patterns), &counter);
  }
};

} // namespace
