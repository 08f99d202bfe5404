//===- AttentionDecodeKernel.cpp - One query token, some keys ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/MarimbaToVector/AttentionDecodeKernel.h"
#include "lowering/Common/Builders/Codes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::marimba;

/// Keys of a block in each stream: maximum and sums are rescaled once for all
/// of them.
static constexpr int64_t kBlockKeys = 64;
/// How far ahead keys and values are prefetched.
static constexpr int64_t kAheadBytes = 1024;
static constexpr int64_t kLineBits = 512;
/// f32 of a cache line.
static constexpr int64_t kLine = 16;

/// Heads whose weights for four keys are in registers: 8 of 16 or 16 of 32.
static int64_t headsAtOnce(int64_t lanes, int64_t together) {
  return std::min<int64_t>(lanes >= 16 ? 4 : 2, together);
}

AttentionDecodeKernel::AttentionDecodeKernel(KernelBuilder &b, AttentionOp op,
                                             int64_t lanes)
    : AttentionLoops(b, op, lanes) {
  together =
      std::min({int64_t(4), lanes, int64_t(llvm::PowerOf2Ceil(perGroup))});
  heads = llvm::alignTo(perGroup, together);
  paddedValue = llvm::alignTo(valueSize, lanes);
  streams = std::min<int64_t>(4, lanes);
  line = std::max(kLineBits / keptBits(), lanes);
}

void AttentionDecodeKernel::allocate() {
  queries = scratch({heads, int64_t(llvm::alignTo(size, lanes))});
  sums = scratch({heads, paddedValue});
  int64_t slots = kBlockKeys * streams + lanes;
  scores = scratch({heads, slots});
  if (op.getKeyScales()) {
    keyScales = scratch({slots});
    valueScales = scratch({slots});
  }
  totals = scratch({heads, lanes});
  largest = scratch({heads});
}

void AttentionDecodeKernel::attend(Value batchRow, Value group, Value from,
                                   Value to) {
  row = batchRow, kv = group;
  first = from, last = b.subi(to, b.index(1));
  stream = arith::CeilDivUIOp::create(b, b.subi(to, from), b.index(streams));
  b.loop(b.index(0), b.index(heads), [&](Value h) { start(h); });
  b.loop(b.index(0), stream, [&](Value k) { block(k); }, kBlockKeys);
}

/// Scales query head `h`. Heads that only pad `heads` repeat the last one.
void AttentionDecodeKernel::start(Value h) {
  Value head =
      b.addi(b.muli(kv, b.index(perGroup)), b.mini(h, b.index(perGroup - 1)));
  overHead([&](Value i, int64_t, Value mask) {
    Value part =
        b.loadVector(lanes, op.getQuery(), {row, b.index(0), head, i}, mask);
    b.storeVector(b.mul(part, b.constant(queryFactor())), queries, {h, i},
                  Value());
  });
  overValue([&](Value i, int64_t, Value) {
    b.storeVector(b.zeros(lanes), sums, {h, i}, Value());
  });
  b.storeVector(b.zeros(lanes), totals, {h, b.index(0)}, Value());
  b.store(b.constant(kNoScore), largest, h);
}

/// Keys [begin, ...) of each stream.
void AttentionDecodeKernel::block(Value begin) {
  Value count = b.mini(b.subi(stream, begin), b.index(kBlockKeys));
  Value slots = b.muli(count, b.index(streams));
  int64_t keys = lanes / together, step = std::max(keys, streams);
  b.loop(
      b.index(0), slots,
      [&](Value slot) {
        for (int64_t j = 0; j < step; j += keys) {
          SmallVector<Value> at;
          Value k =
              b.addi(begin, arith::DivUIOp::create(b, slot, b.index(streams)));
          for (int64_t i = j; i < j + keys; ++i)
            at.push_back(keyOf(k, i));
          Value to = b.addi(slot, b.index(j));
          score(at, to, b.index(0), /*fetch=*/true);
          if (heads > together)
            b.loop(
                b.index(together), b.index(heads),
                [&](Value h) { score(at, to, h, /*fetch=*/false); }, together);
        }
      },
      step);
  if (keyScales)
    loadScales(begin, count);
  b.loop(b.index(0), b.index(heads),
         [&](Value h) { rescale(h, begin, slots); });
  accumulate(begin, count);
}

/// The key of slot `i` after the first one of keys `k` of the streams. Slots
/// after the last key read that one, and are not used.
Value AttentionDecodeKernel::keyOf(Value k, int64_t i) {
  Value begin = b.muli(stream, b.index(i % streams));
  Value key = b.addi(b.addi(k, b.index(i / streams)), begin);
  return b.mini(b.addi(first, key), last);
}

/// Puts the scales of keys [begin, begin + count) of the streams into slots.
void AttentionDecodeKernel::loadScales(Value begin, Value count) {
  b.loop(b.index(0), count, [&](Value k) {
    for (int64_t j = 0; j < streams; ++j) {
      Value key = keyOf(b.addi(begin, k), j);
      Value slot = b.addi(b.muli(k, b.index(streams)), b.index(j));
      b.store(b.load(op.getKeyScales(), {row, kv, key}), keyScales, slot);
      b.store(b.load(op.getValueScales(), {row, kv, key}), valueScales, slot);
    }
  });
}

/// Scores of the keys `at` with `together` heads from h, one sum each, for
/// the slots from `slot` on.
void AttentionDecodeKernel::score(ArrayRef<Value> at, Value slot, Value h,
                                  bool fetch) {
  int64_t keys = at.size();
  auto step = [&](ValueRange old, Value i, Value mask) {
    SmallVector<Value> vectors, next;
    for (Value position : at)
      vectors.push_back(
          b.loadVector(lanes, op.getKeyCache(), {row, kv, position, i}, mask));
    for (int64_t n = 0; n < together; ++n) {
      Value q =
          b.loadVector(lanes, queries, {b.addi(h, b.index(n)), i}, Value());
      for (int64_t j = 0; j < keys; ++j)
        next.push_back(b.fma(q, vectors[j], old[n * keys + j]));
    }
    return next;
  };
  SmallVector<Value> dots(lanes, b.zeros(lanes));
  int64_t whole = size / line * line;
  if (whole)
    dots = b.loop(
        b.index(0), b.index(whole), dots,
        [&](Value i, ValueRange old) {
          if (fetch)
            prefetch(op.getKeyCache(), at, i);
          SmallVector<Value> next(old);
          for (int64_t j = 0; j < line; j += lanes)
            next = step(next, b.addi(i, b.index(j)), Value());
          return next;
        },
        line);
  if (fetch && whole != size)
    prefetch(op.getKeyCache(), at, b.index(whole));
  for (int64_t i = whole; i < size; i += lanes)
    dots = step(dots, b.index(i), i + lanes > size ? tailMask : Value());
  Value reduced = reduceEach(dots);
  for (int64_t n = 0; n < together; ++n) {
    Value own = vector::ExtractStridedSliceOp::create(
        b, reduced, ArrayRef<int64_t>{n * keys}, ArrayRef<int64_t>{keys},
        ArrayRef<int64_t>{1});
    b.storeVector(own, scores, {b.addi(h, b.index(n)), slot}, Value());
  }
}

/// The online softmax: scores of head `h` become weights by the new maximum,
/// and sums and totals so far are rescaled to it. Slots without a key get no
/// weight.
void AttentionDecodeKernel::rescale(Value h, Value begin, Value slots) {
  auto at = [&](Value slot) { return SmallVector<Value>{h, slot}; };
  Value none = b.broadcast(lanes, b.constant(kNoScore));
  Value blockMax = b.loop(
      b.index(0), slots, none,
      [&](Value slot, ValueRange old) {
        Value k =
            b.addi(begin, arith::DivUIOp::create(b, slot, b.index(streams)));
        Value x = b.loadVector(lanes, scores, at(slot), Value());
        if (keyScales)
          x = b.mul(x, b.loadVector(lanes, keyScales, slot, Value()));
        x = bound(x);
        x = b.select(haveKeys(k), x, none);
        b.storeVector(x, scores, at(slot), Value());
        return SmallVector<Value>{larger(x, old[0])};
      },
      lanes)[0];
  Value before = b.load(largest, h);
  Value after = larger(b.reduceMax(blockMax), before);
  Value factor = b.exp2(b.sub(before, after));
  Value total =
      b.mul(b.loadVector(lanes, totals, at(b.index(0)), Value()), factor);
  total = b.loop(
      b.index(0), slots, total,
      [&](Value slot, ValueRange old) {
        Value x = b.loadVector(lanes, scores, at(slot), Value());
        Value p = b.exp2(b.sub(x, after));
        Value weight = p;
        if (valueScales)
          weight = b.mul(p, b.loadVector(lanes, valueScales, slot, Value()));
        b.storeVector(weight, scores, at(slot), Value());
        return SmallVector<Value>{b.add(old[0], p)};
      },
      lanes)[0];
  b.storeVector(total, totals, at(b.index(0)), Value());
  b.store(after, largest, h);
  overValue([&](Value i, int64_t, Value) {
    Value sum = b.loadVector(lanes, sums, {h, i}, Value());
    b.storeVector(b.mul(sum, factor), sums, {h, i}, Value());
  });
}

/// Which of the slots of `lanes` lanes from keys `k` of the streams on have a
/// key: those that are in their stream, and not after the last key.
Value AttentionDecodeKernel::haveKeys(Value k) {
  SmallVector<int32_t> inStream, begins;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    inStream.push_back(lane / streams);
    begins.push_back(lane % streams);
  }
  auto all = [&](Value index) {
    return b.broadcast(lanes,
                       arith::IndexCastOp::create(b, b.getI32Type(), index));
  };
  auto constant = [&](ArrayRef<int32_t> values) -> Value {
    auto type = VectorType::get({lanes}, b.getI32Type());
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, values));
  };
  auto less = [&](Value x, Value bound) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, bound);
  };
  Value length = all(stream);
  Value own = arith::AddIOp::create(b, all(k), constant(inStream));
  Value begin = arith::MulIOp::create(b, length, constant(begins));
  Value count = b.addi(b.subi(last, first), b.index(1));
  return arith::AndIOp::create(
      b, less(own, length),
      less(arith::AddIOp::create(b, own, begin), all(count)));
}

/// Adds the values of keys [begin, begin + count) of the streams, times their
/// weights, to the sums.
void AttentionDecodeKernel::accumulate(Value begin, Value count) {
  int64_t some = headsAtOnce(lanes, together);
  b.loop(b.index(0), count, [&](Value k) {
    Value slot = b.muli(k, b.index(streams));
    SmallVector<Value> at;
    for (int64_t j = 0; j < streams; ++j)
      at.push_back(keyOf(b.addi(begin, k), j));
    // Values that are a part of their keys are in the cache already.
    bool fetch = op.getValue() != nullptr;
    addValues(at, slot, b.index(0), fetch);
    if (heads > some)
      b.loop(
          b.index(some), b.index(heads),
          [&](Value h) { addValues(at, slot, h, /*fetch=*/false); }, some);
  });
}

/// Adds the values of the keys `at` to some heads from h. Their weights are in
/// registers, the sums in the first-level cache.
void AttentionDecodeKernel::addValues(ArrayRef<Value> at, Value slot, Value h,
                                      bool fetch) {
  int64_t some = headsAtOnce(lanes, together);
  SmallVector<Value> weights;
  for (int64_t j = 0; j < streams; ++j)
    for (int64_t n = 0; n < some; ++n) {
      Value weight =
          b.load(scores, {b.addi(h, b.index(n)), b.addi(slot, b.index(j))});
      weights.push_back(b.broadcast(lanes, weight));
    }
  // 16 elements at a time: sums enough that none waits for itself.
  auto add = [&](Value i, int64_t vectors, Value mask) {
    auto own = [&](int64_t n, int64_t c) {
      return SmallVector<Value>{b.addi(h, b.index(n)),
                                b.addi(i, b.index(c * lanes))};
    };
    SmallVector<Value> sum;
    for (int64_t c = 0; c < vectors; ++c)
      for (int64_t n = 0; n < some; ++n)
        sum.push_back(b.loadVector(lanes, sums, own(n, c), Value()));
    for (int64_t j = 0; j < streams; ++j)
      for (int64_t c = 0; c < vectors; ++c) {
        Value value =
            b.loadVector(lanes, op.getValueCache(),
                         {row, kv, at[j], b.addi(i, b.index(c * lanes))}, mask);
        for (int64_t n = 0; n < some; ++n)
          sum[c * some + n] =
              b.fma(weights[j * some + n], value, sum[c * some + n]);
      }
    for (int64_t c = 0; c < vectors; ++c)
      for (int64_t n = 0; n < some; ++n)
        b.storeVector(sum[c * some + n], sums, own(n, c), Value());
  };
  int64_t part = std::max(kLine, lanes), whole = valueSize / line * line;
  if (whole)
    b.loop(
        b.index(0), b.index(whole),
        [&](Value i) {
          if (fetch)
            prefetch(op.getValueCache(), at, i);
          for (int64_t j = 0; j < line; j += part)
            add(b.addi(i, b.index(j)), part / lanes, Value());
        },
        line);
  if (fetch && whole != valueSize)
    prefetch(op.getValueCache(), at, b.index(whole));
  for (int64_t i = whole; i < valueSize; i += lanes)
    add(b.index(i), 1, i + lanes > valueSize ? valueTailMask : Value());
}

/// Prefetches element `i` of the keys that are kAheadBytes after those at `at`.
void AttentionDecodeKernel::prefetch(Value memory, ArrayRef<Value> at,
                                     Value i) {
  int64_t bits = keptBits() * std::max<int64_t>(size, 1);
  int64_t ahead = std::max<int64_t>(1, kAheadBytes * 8 / bits);
  for (Value position : at)
    b.prefetch(memory,
               {row, kv, b.mini(b.addi(position, b.index(ahead)), last), i},
               /*locality=*/3);
}
