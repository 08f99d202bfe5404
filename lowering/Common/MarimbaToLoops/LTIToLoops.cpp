//===- LTIToLoops.cpp - Time-invariant systems, written out -----*- C++ -*-===//
//
// Part of Marimba. One element at a time: what lti_scan and long_convolution
// mean.
//
//===----------------------------------------------------------------------===//

#include "lowering/Common/MarimbaToLoops/MarimbaToLoops.h"

#include "dialects/Marimba/IR/Marimba.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// The state of one channel of one row, and products with it.
template <typename OpTy> class System {
public:
  System(KernelBuilder &b, OpTy op, Value row, Value d)
      : b(b), op(op), row(row), d(d), complex(op.getComplex()) {
    int64_t rows = cast<MemRefType>(op.getState().getType()).getDimSize(1);
    states = complex ? rows / 2 : rows;
  }

  struct Parts {
    Value re, im; // im is null where the system is real
  };

  Parts load(Value memref, ValueRange outer, Value n) {
    auto part = [&](Value at) {
      SmallVector<Value> indices(outer);
      indices.append({at, d});
      return b.load(memref, indices);
    };
    return {part(n), complex ? part(b.addi(n, b.index(states))) : Value()};
  }
  Parts state(Value n) { return load(op.getState(), row, n); }
  void setState(Parts h, Value n) {
    b.store(h.re, op.getState(), {row, n, d});
    if (complex)
      b.store(h.im, op.getState(), {row, b.addi(n, b.index(states)), d});
  }
  /// c h, or 2 Re(c h)
  Value output(Parts c, Parts h) {
    if (!complex)
      return b.mul(c.re, h.re);
    return b.mul(b.constant(2.0), b.sub(b.mul(c.re, h.re), b.mul(c.im, h.im)));
  }
  /// decay h + gain u
  Parts step(Parts decay, Parts h, Parts gain, Value u) {
    if (!complex)
      return {b.add(b.mul(decay.re, h.re), b.mul(gain.re, u)), {}};
    return {b.add(b.sub(b.mul(decay.re, h.re), b.mul(decay.im, h.im)),
                  b.mul(gain.re, u)),
            b.add(b.add(b.mul(decay.re, h.im), b.mul(decay.im, h.re)),
                  b.mul(gain.im, u))};
  }
  Value skip(Value u) {
    return op.getD() ? b.mul(b.load(op.getD(), d), u) : b.constant(0);
  }
  void forEachState(llvm::function_ref<void(Value)> body) {
    b.loop(b.index(0), b.index(states), body);
  }
  Value sumOverStates(Value start, llvm::function_ref<Value(Value)> term) {
    return b.loop(b.index(0), b.index(states), start,
                  [&](Value n, ValueRange sums) {
                    return SmallVector<Value>{b.add(sums[0], term(n))};
                  })[0];
  }

  KernelBuilder &b;
  OpTy op;
  Value row, d;
  bool complex;
  int64_t states;
};

/// Runs `body(system, tokens)` for each channel of each row and zeroes padding.
template <typename OpTy>
void overSystems(KernelBuilder &b, OpTy op,
                 llvm::function_ref<void(System<OpTy> &, Value)> body) {
  Value y = op.getOutput(), zero = b.index(0), time = b.dim(y, 1);
  b.loop(zero, b.dim(y, 0), [&](Value row) {
    Value tokens = b.rowTokens(op.getValid(), row, time);
    b.loop(zero, b.dim(y, 2), [&](Value d) {
      System<OpTy> system(b, op, row, d);
      body(system, tokens);
      b.loop(tokens, time,
             [&](Value t) { b.store(b.constant(0), y, {row, t, d}); });
    });
  });
}

struct LowerLTIScan : BufferPattern<LTIScanOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, LTIScanOp op) const override {
    overSystems<LTIScanOp>(b, op, [&](System<LTIScanOp> &s, Value tokens) {
      b.loop(b.index(0), tokens, [&](Value t) {
        Value u = b.load(op.getU(), {s.row, t, s.d});
        Value y = s.sumOverStates(s.skip(u), [&](Value n) {
          auto h = s.step(s.load(op.getDecay(), {}, n), s.state(n),
                          s.load(op.getGain(), {}, n), u);
          s.setState(h, n);
          return s.output(s.load(op.getC(), {}, n), h);
        });
        b.store(y, op.getOutput(), {s.row, t, s.d});
      });
    });
  }
};

struct LowerLongConvolution : BufferPattern<LongConvolutionOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, LongConvolutionOp op) const override {
    Value zero = b.index(0), one = b.index(1);
    Value length = b.index(op.getBlockLength());
    using Sys = System<LongConvolutionOp>;
    overSystems<LongConvolutionOp>(b, op, [&](Sys &s, Value tokens) {
      b.loop(
          zero, tokens,
          [&](Value first) {
            Value count = b.mini(length, b.subi(tokens, first));
            auto u = [&](Value j) {
              return b.load(op.getU(), {s.row, b.addi(first, j), s.d});
            };
            b.loop(zero, count, [&](Value t) {
              Value y = b.loop(
                  zero, b.addi(t, one), s.skip(u(t)),
                  [&](Value j, ValueRange sums) {
                    Value k = b.load(op.getKernel(), {b.subi(t, j), s.d});
                    return SmallVector<Value>{b.add(sums[0], b.mul(k, u(j)))};
                  })[0];
              y = s.sumOverStates(y, [&](Value n) {
                return s.output(s.load(op.getReadout(), t, n), s.state(n));
              });
              b.store(y, op.getOutput(), {s.row, b.addi(first, t), s.d});
            });
            // decay^count h, then what the block's inputs bring.
            s.forEachState([&](Value n) {
              auto none = Sys::Parts{b.constant(0), b.constant(0)};
              auto decay = s.load(op.getDecay(), {}, n);
              b.loop(zero, count, [&](Value) {
                s.setState(s.step(decay, s.state(n), none, b.constant(0)), n);
              });
              auto keep = Sys::Parts{b.constant(1), b.constant(0)};
              b.loop(zero, count, [&](Value j) {
                Value left = b.subi(b.subi(count, one), j);
                s.setState(s.step(keep, s.state(n),
                                  s.load(op.getInject(), left, n), u(j)),
                           n);
              });
            });
          },
          op.getBlockLength());
    });
  }
};

} // namespace

void mlir::marimba::populateLTIToLoopsPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerLTIScan, LowerLongConvolution>(patterns.getContext());
}
