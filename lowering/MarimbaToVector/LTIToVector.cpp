//===- LTIToVector.cpp - lti_scan, long_convolution in lanes ----*- C++ -*-===//
//
// Part of Marimba. Channels are in the lanes. The recurrence keeps some states
// in registers over all tokens of its tile; the convolution keeps a block of
// tokens in registers and goes over the states.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/MarimbaToVector/StateBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

//===----------------------------------------------------------------------===//
// Recurrence
//===----------------------------------------------------------------------===//

/// Vectors of state that stay in registers together.
constexpr int64_t kStateVectors = 16;

class RecurrenceEmitter {
public:
  RecurrenceEmitter(KernelBuilder &b, LTIScanOp op, int64_t lanes)
      : b(b), op(op), lanes(lanes) {}

  void emit() {
    overChannels(b, lanes, op.getOutput(), op.getValid(),
                 [&](const ChannelBlock &block) {
                   StateBuilder s(b, lanes, block, rowsOf(op.getState()),
                                  op.getComplex());
                   int64_t most = kStateVectors / (s.complex ? 2 : 1);
                   for (int64_t n = 0; n < s.states; n += most)
                     pass(s, n, std::min(n + most, s.states));
                   if (op.getValid())
                     zeroPadding(b, lanes, block, op.getOutput());
                 });
  }

private:
  /// States [first, last) over all tokens; later passes add to y.
  void pass(StateBuilder &s, int64_t first, int64_t last) {
    const ChannelBlock &block = s.block;
    int64_t parts = s.complex ? 2 : 1;
    SmallVector<Value> start;
    SmallVector<Parts> decay, gain, c;
    for (int64_t i = first; i < last; ++i) {
      Value n = b.index(i);
      Parts h = s.load(op.getState(), block.row, n);
      llvm::append_range(start, h.values());
      decay.push_back(s.load(op.getDecay(), {}, n));
      gain.push_back(s.load(op.getGain(), {}, n));
      c.push_back(s.factor(s.load(op.getC(), {}, n)));
    }
    Value skip = op.getD()
                     ? b.loadVector(lanes, op.getD(), block.channel, block.mask)
                     : Value();
    SmallVector<Value> end = b.loop(
        b.index(0), block.tokens, start, [&](Value t, ValueRange carried) {
          SmallVector<Value> at = {block.row, t, block.channel};
          Value u = b.loadVector(lanes, op.getU(), at, block.mask);
          Value y = first > 0
                        ? b.loadVector(lanes, op.getOutput(), at, block.mask)
                        : (skip ? b.mul(skip, u) : b.zeros(lanes));
          SmallVector<Value> next;
          for (int64_t i = 0; i < last - first; ++i) {
            Parts h = Parts::of(carried.slice(i * parts, parts));
            h = s.step(decay[i], h, s.scale(gain[i], u));
            y = s.read(c[i], h, y);
            llvm::append_range(next, h.values());
          }
          b.storeVector(y, op.getOutput(), at, block.mask);
          return next;
        });
    for (int64_t i = first; i < last; ++i)
      s.store(Parts::of(ValueRange(end).slice((i - first) * parts, parts)),
              op.getState(), block.row, b.index(i));
  }

  KernelBuilder &b;
  LTIScanOp op;
  int64_t lanes;
};

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

class ConvolutionEmitter {
public:
  ConvolutionEmitter(KernelBuilder &b, LongConvolutionOp op, int64_t lanes)
      : b(b), op(op), lanes(lanes), length(op.getBlockLength()) {}

  void emit() {
    overChannels(
        b, lanes, op.getOutput(), op.getValid(),
        [&](const ChannelBlock &block) {
          StateBuilder s(b, lanes, block, rowsOf(op.getState()),
                         op.getComplex());
          if (op.getD())
            skip = b.loadVector(lanes, op.getD(), block.channel, block.mask);
          Value carry = powersOfBlock(s);
          Value rest = arith::RemUIOp::create(b, block.tokens, b.index(length));
          Value whole = b.subi(block.tokens, rest);
          b.loop(
              b.index(0), whole, [&](Value first) { tile(s, carry, first); },
              length);
          b.loop(whole, block.tokens, [&](Value t) { token(s, t); });
          if (op.getValid())
            zeroPadding(b, lanes, block, op.getOutput());
        });
  }

private:
  Value load(Value memref, const ChannelBlock &block, ValueRange outer) {
    SmallVector<Value> at(outer);
    at.push_back(block.channel);
    return b.loadVector(lanes, memref, at, block.mask);
  }

  /// decay^L of every state, [N, lanes], by squaring.
  Value powersOfBlock(StateBuilder &s) {
    auto type = MemRefType::get({rowsOf(op.getState()), lanes}, b.getF32Type());
    Value carry = memref::AllocaOp::create(b, type, b.getI64IntegerAttr(64));
    b.loop(b.index(0), b.index(s.states), [&](Value n) {
      Parts square = s.load(op.getDecay(), {}, n), power;
      for (int64_t bits = length; bits > 0; bits /= 2) {
        if (bits % 2)
          power = power.re ? s.mul(power, square) : square;
        if (bits > 1)
          square = s.mul(square, square);
      }
      b.storeVector(power.re, carry, {n, b.index(0)}, Value());
      if (s.complex)
        b.storeVector(power.im, carry,
                      {b.addi(n, b.index(s.states)), b.index(0)}, Value());
    });
    return carry;
  }

  /// L tokens from `first` on.
  void tile(StateBuilder &s, Value carry, Value first) {
    const ChannelBlock &block = s.block;
    SmallVector<Value> u, kernel, y;
    for (int64_t j = 0; j < length; ++j) {
      Value t = b.addi(first, b.index(j));
      u.push_back(load(op.getU(), block, {block.row, t}));
      kernel.push_back(load(op.getKernel(), block, b.index(j)));
    }
    for (int64_t i = 0; i < length; ++i) {
      Value sum = skip ? b.fma(skip, u[i], b.mul(kernel[0], u[i]))
                       : b.mul(kernel[0], u[i]);
      for (int64_t j = 0; j < i; ++j)
        sum = b.fma(kernel[i - j], u[j], sum);
      y.push_back(sum);
    }
    y = b.loop(b.index(0), b.index(s.states), y, [&](Value n, ValueRange sums) {
      Parts h = s.load(op.getState(), block.row, n);
      Parts power = {b.loadVector(lanes, carry, {n, b.index(0)}, Value()), {}};
      if (s.complex)
        power.im = b.loadVector(
            lanes, carry, {b.addi(n, b.index(s.states)), b.index(0)}, Value());
      SmallVector<Value> next;
      Parts factor = s.factor(h), input;
      for (int64_t j = 0; j < length; ++j) {
        next.push_back(
            s.read(s.load(op.getReadout(), b.index(j), n), factor, sums[j]));
        Parts inject = s.load(op.getInject(), b.index(length - 1 - j), n);
        input =
            input.re ? s.scaleAdd(inject, u[j], input) : s.scale(inject, u[j]);
      }
      s.store(s.step(power, h, input), op.getState(), block.row, n);
      return next;
    });
    for (int64_t j = 0; j < length; ++j)
      b.storeVector(y[j], op.getOutput(),
                    {block.row, b.addi(first, b.index(j)), block.channel},
                    block.mask);
  }

  /// One token, a block of one: what does not fill a whole block.
  void token(StateBuilder &s, Value t) {
    const ChannelBlock &block = s.block;
    Value u = load(op.getU(), block, {block.row, t});
    Value y = b.mul(load(op.getKernel(), block, b.index(0)), u);
    if (skip)
      y = b.fma(skip, u, y);
    y = b.loop(b.index(0), b.index(s.states), y, [&](Value n, ValueRange sum) {
      Parts h = s.load(op.getState(), block.row, n);
      Parts readout = s.load(op.getReadout(), b.index(0), n);
      SmallVector<Value> next = {s.read(readout, s.factor(h), sum[0])};
      Parts inject = s.load(op.getInject(), b.index(0), n);
      s.store(s.step(s.load(op.getDecay(), {}, n), h, s.scale(inject, u)),
              op.getState(), block.row, n);
      return next;
    })[0];
    b.storeVector(y, op.getOutput(), {block.row, t, block.channel}, block.mask);
  }

  KernelBuilder &b;
  LongConvolutionOp op;
  int64_t lanes, length;
  Value skip;
};

} // namespace

void mlir::marimba::populateLTIToVectorPatterns(RewritePatternSet &patterns,
                                                int64_t lanes) {
  patterns.add<EmitterPattern<LTIScanOp, RecurrenceEmitter>,
               EmitterPattern<LongConvolutionOp, ConvolutionEmitter>>(
      patterns.getContext(), lanes);
}
