//===- LTIToVector.cpp - lti_scan, long_convolution in lanes ----*- C++ -*-===//
//
// Part of Marimba. Channels are in the lanes. The recurrence keeps some states
// in registers over all tokens of its tile; the convolution keeps a block of
// tokens in registers and goes over the states.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/CPU/Builders/EmitterPattern.h"
#include "lowering/CPU/MarimbaToVector/StateBuilder.h"
#include "lowering/Common/Builders/ParallelLoops.h"

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
                   inSweeps(b, s.states, kStateVectors / (s.complex ? 2 : 1),
                            [&](const Sweep &part) { pass(s, part); });
                   if (op.getValid())
                     zeroPadding(b, lanes, block, op.getOutput());
                 });
  }

private:
  /// Some states over all tokens; later passes add to y.
  void pass(StateBuilder &s, const Sweep &part) {
    const ChannelBlock &block = s.block;
    int64_t parts = s.complex ? 2 : 1;
    SmallVector<Value> start, rows;
    SmallVector<Parts> decay, gain, c;
    for (int64_t i = 0; i < part.count; ++i) {
      Value n = rows.emplace_back(b.addi(part.first, b.index(i)));
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
          Value y = part.begins
                        ? (skip ? b.mul(skip, u) : b.zeros(lanes))
                        : b.loadVector(lanes, op.getOutput(), at, block.mask);
          SmallVector<Value> next;
          for (int64_t i = 0; i < part.count; ++i) {
            Parts h = Parts::of(carried.slice(i * parts, parts));
            h = s.step(decay[i], h, s.scale(gain[i], u));
            y = s.read(c[i], h, y);
            llvm::append_range(next, h.values());
          }
          b.storeVector(y, op.getOutput(), at, block.mask);
          return next;
        });
    for (auto [i, n] : llvm::enumerate(rows))
      s.store(Parts::of(ValueRange(end).slice(i * parts, parts)), op.getState(),
              block.row, n);
  }

  KernelBuilder &b;
  LTIScanOp op;
  int64_t lanes;
};

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

/// Tokens of a block whose sums are in registers, or just beyond: each is code
/// of its own, and so is each of the kernel's products with it.
constexpr int64_t kBlockInRegisters = 32;

class ConvolutionEmitter {
public:
  ConvolutionEmitter(KernelBuilder &b, LongConvolutionOp op, int64_t lanes)
      : b(b), op(op), lanes(lanes), length(op.getBlockLength()) {}

  void emit() {
    int64_t rows = rowsOf(op.getState());
    carry = packed({rows});
    readout = packed({length, rows});
    inject = packed({length, rows});
    overChannels(
        b, lanes, op.getOutput(), op.getValid(),
        [&](const ChannelBlock &block) {
          StateBuilder s(b, lanes, block, rows, op.getComplex());
          if (op.getD())
            skip = b.loadVector(lanes, op.getD(), block.channel, block.mask);
          packTables(s);
          Value rest = arith::RemUIOp::create(b, block.tokens, b.index(length));
          Value whole = b.subi(block.tokens, rest);
          b.loop(
              b.index(0), whole, [&](Value first) { tile(s, first); }, length);
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

  /// Memory for one vector of channels, in the order in which it is read. In
  /// the tables themselves neighbours are a row of channels apart, often a
  /// multiple of 4 KiB, and meet in one set of the cache.
  Value packed(ArrayRef<int64_t> shape) {
    SmallVector<int64_t> sizes(shape);
    sizes.push_back(lanes);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(stackBlock(op));
    return memref::AllocaOp::create(b, MemRefType::get(sizes, b.getF32Type()),
                                    b.getI64IntegerAttr(64));
  }
  void pack(StateBuilder &s, Value into, ValueRange outer, Value n,
            Parts value) {
    auto put = [&](Value vector, Value row) {
      SmallVector<Value> at(outer);
      at.append({row, b.index(0)});
      b.storeVector(vector, into, at, Value());
    };
    put(value.re, n);
    if (s.complex)
      put(value.im, b.addi(n, b.index(s.states)));
  }
  Parts unpack(StateBuilder &s, Value from, ValueRange outer, Value n) {
    auto get = [&](Value row) {
      SmallVector<Value> at(outer);
      at.append({row, b.index(0)});
      return b.loadVector(lanes, from, at, Value());
    };
    return {get(n), s.complex ? get(b.addi(n, b.index(s.states))) : Value()};
  }

  /// decay^L of every state, by squaring, and the tables.
  void packTables(StateBuilder &s) {
    b.loop(b.index(0), b.index(s.states), [&](Value n) {
      Parts square = s.load(op.getDecay(), {}, n), power;
      for (int64_t bits = length; bits > 0; bits /= 2) {
        if (bits % 2)
          power = power.re ? s.mul(power, square) : square;
        if (bits > 1)
          square = s.mul(square, square);
      }
      pack(s, carry, {}, n, power);
      b.loop(b.index(0), b.index(length), [&](Value j) {
        pack(s, readout, j, n, s.load(op.getReadout(), j, n));
        pack(s, inject, j, n, s.load(op.getInject(), j, n));
      });
    });
  }

  /// L tokens from `first` on.
  void tile(StateBuilder &s, Value first) {
    const ChannelBlock &block = s.block;
    if (length > kBlockInRegisters)
      return longTile(s, first);
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
      Parts factor = s.factor(h), input;
      SmallVector<Value> next;
      for (int64_t j = 0; j < length; ++j) {
        next.push_back(
            s.read(unpack(s, readout, b.index(j), n), factor, sums[j]));
        Parts in = unpack(s, inject, b.index(length - 1 - j), n);
        input = input.re ? s.scaleAdd(in, u[j], input) : s.scale(in, u[j]);
      }
      s.store(s.step(unpack(s, carry, {}, n), h, input), op.getState(),
              block.row, n);
      return next;
    });
    for (int64_t j = 0; j < length; ++j)
      b.storeVector(y[j], op.getOutput(),
                    {block.row, b.addi(first, b.index(j)), block.channel},
                    block.mask);
  }

  /// The same for a block that registers do not hold: its sums are in the
  /// output.
  void longTile(StateBuilder &s, Value first) {
    const ChannelBlock &block = s.block;
    Value zero = b.index(0), end = b.index(length);
    auto at = [&](Value j) {
      return SmallVector<Value>{block.row, b.addi(first, j)};
    };
    auto input = [&](Value j) { return load(op.getU(), block, at(j)); };
    auto store = [&](Value y, Value j) {
      SmallVector<Value> to = elementOf(at(j), block.channel);
      b.storeVector(y, op.getOutput(), to, block.mask);
    };
    b.loop(zero, end, [&](Value i) {
      Value u = input(i);
      Value sum = b.mul(load(op.getKernel(), block, zero), u);
      if (skip)
        sum = b.fma(skip, u, sum);
      sum = b.loop(zero, i, sum, [&](Value j, ValueRange old) {
        Value k = load(op.getKernel(), block, b.subi(i, j));
        return SmallVector<Value>{b.fma(k, input(j), old[0])};
      })[0];
      store(sum, i);
    });
    b.loop(zero, b.index(s.states), [&](Value n) {
      Parts h = s.load(op.getState(), block.row, n);
      Parts factor = s.factor(h);
      Value last = b.index(length - 1);
      SmallVector<Value> brought =
          b.loop(zero, end, s.zero().values(), [&](Value j, ValueRange old) {
            Value y = load(op.getOutput(), block, at(j));
            store(s.read(unpack(s, readout, j, n), factor, y), j);
            Parts in = unpack(s, inject, b.subi(last, j), n);
            return s.scaleAdd(in, input(j), Parts::of(old)).values();
          });
      s.store(s.step(unpack(s, carry, {}, n), h, Parts::of(brought)),
              op.getState(), block.row, n);
    });
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
      Parts out = unpack(s, readout, b.index(0), n);
      SmallVector<Value> next = {s.read(out, s.factor(h), sum[0])};
      Parts in = unpack(s, inject, b.index(0), n);
      s.store(s.step(s.load(op.getDecay(), {}, n), h, s.scale(in, u)),
              op.getState(), block.row, n);
      return next;
    })[0];
    b.storeVector(y, op.getOutput(), {block.row, t, block.channel}, block.mask);
  }

  KernelBuilder &b;
  LongConvolutionOp op;
  int64_t lanes, length;
  Value skip, carry, readout, inject;
};

/// Tables that do not fit on a thread's stack stay what they are: plain loops.
struct ConvolutionPattern
    : EmitterPattern<LongConvolutionOp, ConvolutionEmitter> {
  using EmitterPattern::EmitterPattern;

  LogicalResult matchAndRewrite(LongConvolutionOp op,
                                PatternRewriter &rewriter) const override {
    constexpr int64_t mostBytes = 512 * 1024;
    int64_t values = (2 * op.getBlockLength() + 1) * rowsOf(op.getState());
    if (op.hasPureBufferSemantics() && values * lanes * 4 > mostBytes)
      return rewriter.notifyMatchFailure(op, "tables are too large");
    return EmitterPattern::matchAndRewrite(op, rewriter);
  }
};

} // namespace

void mlir::marimba::populateLTIToVectorPatterns(RewritePatternSet &patterns,
                                                int64_t lanes) {
  patterns
      .add<EmitterPattern<LTIScanOp, RecurrenceEmitter>, ConvolutionPattern>(
          patterns.getContext(), lanes);
}
