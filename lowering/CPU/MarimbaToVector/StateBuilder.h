//===- StateBuilder.h - Real and complex states in lanes --------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_STATEBUILDER_H
#define MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_STATEBUILDER_H

#include "lowering/CPU/MarimbaToVector/ChannelBlocks.h"

#include "mlir/IR/BuiltinTypes.h"

namespace mlir::marimba {

/// One state of one vector of channels: its real part and, if complex, its
/// imaginary part.
struct Parts {
  Value re, im;

  /// As values that a loop carries.
  SmallVector<Value> values() const {
    return im ? SmallVector<Value>{re, im} : SmallVector<Value>{re};
  }
  static Parts of(ValueRange values) {
    return {values[0], values.size() > 1 ? values[1] : Value()};
  }
};

/// Arithmetic on the states of one vector of channels.
class StateBuilder {
public:
  StateBuilder(KernelBuilder &b, int64_t lanes, const ChannelBlock &block,
               int64_t rows, bool complex)
      : b(b), lanes(lanes), block(block), states(complex ? rows / 2 : rows),
        complex(complex) {}

  /// State n of a tensor [..., N, D].
  Parts load(Value memref, ValueRange outer, Value n) {
    auto part = [&](Value row) {
      SmallVector<Value> at(outer);
      at.append({row, block.channel});
      return b.loadVector(lanes, memref, at, block.mask);
    };
    return {part(n), complex ? part(b.addi(n, b.index(states))) : Value()};
  }
  void store(Parts value, Value memref, ValueRange outer, Value n) {
    auto part = [&](Value vector, Value row) {
      SmallVector<Value> at(outer);
      at.append({row, block.channel});
      b.storeVector(vector, memref, at, block.mask);
    };
    part(value.re, n);
    if (complex)
      part(value.im, b.addi(n, b.index(states)));
  }
  Parts zero() { return {b.zeros(lanes), complex ? b.zeros(lanes) : Value()}; }
  /// One factor of 2 Re(C h) = 2 Re C Re h - 2 Im C Im h: C or h, whichever
  /// is read more often; `read` takes it and the other.
  Parts factor(Parts x) {
    if (!complex)
      return x;
    return {b.mul(x.re, b.constant(2.0)), b.mul(x.im, b.constant(-2.0))};
  }
  /// y + C h, one of the two from factor().
  Value read(Parts c, Parts h, Value y) {
    y = b.fma(c.re, h.re, y);
    return complex ? b.fma(c.im, h.im, y) : y;
  }
  /// x * y
  Parts mul(Parts x, Parts y) {
    if (!complex)
      return {b.mul(x.re, y.re), {}};
    return {b.sub(b.mul(x.re, y.re), b.mul(x.im, y.im)),
            b.fma(x.re, y.im, b.mul(x.im, y.re))};
  }
  /// decay * h + rest
  Parts step(Parts decay, Parts h, Parts rest) {
    if (!complex)
      return {b.fma(decay.re, h.re, rest.re), {}};
    return {b.fma(decay.re, h.re, b.fma(b.neg(decay.im), h.im, rest.re)),
            b.fma(decay.re, h.im, b.fma(decay.im, h.re, rest.im))};
  }
  /// gain * u, and gain * u + sum
  Parts scale(Parts gain, Value u) {
    return {b.mul(gain.re, u), complex ? b.mul(gain.im, u) : Value()};
  }
  Parts scaleAdd(Parts gain, Value u, Parts sum) {
    return {b.fma(gain.re, u, sum.re),
            complex ? b.fma(gain.im, u, sum.im) : Value()};
  }

  KernelBuilder &b;
  int64_t lanes;
  const ChannelBlock &block;
  int64_t states;
  bool complex;
};

/// Writes zeros to the padding after the real tokens of [B,T,D].
inline void zeroPadding(KernelBuilder &b, int64_t lanes,
                        const ChannelBlock &block, Value output) {
  b.loop(block.tokens, block.time, [&](Value t) {
    b.storeVector(b.zeros(lanes), output, {block.row, t, block.channel},
                  block.mask);
  });
}

/// Rows of a state, [B,N,D].
inline int64_t rowsOf(Value state) {
  return cast<MemRefType>(state.getType()).getDimSize(1);
}

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_CPU_MARIMBATOVECTOR_STATEBUILDER_H
