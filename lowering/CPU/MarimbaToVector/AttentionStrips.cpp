//===- AttentionStrips.cpp - Some query rows against some keys --*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/MarimbaToVector/AttentionStrips.h"
#include "lowering/Common/Builders/Codes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::marimba;

AttentionStrips::AttentionStrips(KernelBuilder &b, AttentionOp op,
                                 int64_t lanes)
    : AttentionLoops(b, op, lanes) {
  // 12 sums of 16 registers or 24 of 32, beside 3 vectors and one scalar.
  // Elements of a value are contiguous: LLVM loads all of them first, which
  // takes a register each.
  wide = lanes >= 16 ? Micro{3, 8, 6} : Micro{3, 4, 4};
  narrow = {1, 8, 8};
}

void AttentionStrips::allocate(int64_t vectors, int64_t keys) {
  queries = scratch({vectors, size, lanes});
  sums = scratch({vectors, valueSize, lanes});
  largest = scratch({vectors, lanes});
  totals = scratch({vectors, lanes});
  positions = scratch({vectors, lanes}, b.getI32Type());
  scores = scratch({wide.vectors, keys + narrow.keys, lanes});
  factors = scratch({wide.vectors, lanes});
  if (keptBits() == 32)
    return;
  keyBlock = scratch({keys, size});
  valueBlock = op.getValue() ? scratch({keys, size}) : keyBlock;
}

void AttentionStrips::widen(Value key, Value end) {
  if (!keyBlock)
    return;
  blockBegin = key;
  auto copy = [&](Value cache, Value scales, Value block, Value k) {
    Value scale = scales ? b.load(scales, {row, kv, k}) : Value();
    overHead([&](Value i, int64_t, Value mask) {
      Value part = b.loadVector(lanes, cache, {row, kv, k, i}, mask);
      b.storeVector(scale ? b.mul(part, scale) : part, block,
                    {b.subi(k, key), i}, mask);
    });
  };
  b.loop(key, end, [&](Value k) {
    copy(op.getKeyCache(), op.getKeyScales(), keyBlock, k);
    if (op.getValue())
      copy(op.getValueCache(), op.getValueScales(), valueBlock, k);
  });
}

/// Element `i` of the key or value of `key`.
Value AttentionStrips::kept(Value cache, Value block, Value key, Value i) {
  if (!block)
    return b.load(cache, {row, kv, key, i});
  return b.load(block, {b.subi(key, blockBegin), i});
}

Value AttentionStrips::rowAt(Value v, int64_t lane) {
  Value r = b.addi(b.muli(v, b.index(lanes)), b.index(lane));
  return b.mini(b.addi(first, r), last);
}
Value AttentionStrips::positionOf(Value r) {
  return b.addi(past, arith::DivUIOp::create(b, r, b.index(perGroup)));
}

void AttentionStrips::strip(Value v, Value key, Value end, Micro micro) {
  Value firstPosition = positionOf(rowAt(v, 0));
  Value next = b.addi(v, b.index(micro.vectors - 1));
  Value lastPosition = positionOf(rowAt(next, lanes - 1));
  Value from = b.maxi(key, firstKey(firstPosition));
  Value to = b.mini(end, b.addi(lastPosition, b.index(1)));
  b.ifThen(b.cmpi(/*lessThan=*/true, from, to), [&] {
    Value count = b.subi(to, from);
    score(v, from, count, micro);
    // Whether all rows see all of these keys.
    Value whole =
        b.cmpi(/*lessThan=*/false, firstPosition, b.subi(to, b.index(1)));
    if (op.getWindow()) {
      Value inside = b.cmpi(/*lessThan=*/false, from, firstKey(lastPosition));
      whole = arith::AndIOp::create(b, whole, inside);
    }
    b.loop(b.index(0), b.index(micro.vectors),
           [&](Value c) { rescale(b.addi(v, c), c, from, count, whole); });
    // Keys before `all` have passed out of some rows' windows; those from
    // `some` on are after some rows' tokens.
    Value all = op.getWindow()
                    ? b.mini(b.maxi(from, firstKey(lastPosition)), to)
                    : from;
    Value some = b.maxi(b.mini(to, b.addi(firstPosition, b.index(1))), all);
    accumulate(v, from, {b.subi(all, from), b.subi(some, from), count}, micro);
  });
}

/// scores = K Q^T
void AttentionStrips::score(Value v, Value from, Value count, Micro micro) {
  Value lastKey = b.subi(b.addi(from, count), b.index(1));
  b.loop(
      b.index(0), count,
      [&](Value k) {
        // Slots after the last key read that one, and are not used.
        SmallVector<Value> keys;
        for (int64_t s = 0; s < micro.keys; ++s)
          keys.push_back(b.mini(b.addi(b.addi(from, k), b.index(s)), lastKey));
        SmallVector<Value> zeros(micro.keys * micro.vectors, b.zeros(lanes));
        SmallVector<Value> dots = b.loop(
            b.index(0), b.index(size), zeros, [&](Value i, ValueRange old) {
              return step(micro.vectors, old, queries, v, i, [&](int64_t s) {
                return kept(op.getKeyCache(), keyBlock, keys[s], i);
              });
            });
        for (int64_t s = 0; s < micro.keys; ++s)
          for (int64_t c = 0; c < micro.vectors; ++c)
            b.storeVector(dots[s * micro.vectors + c], scores,
                          {b.index(c), b.addi(k, b.index(s)), b.index(0)},
                          Value());
      },
      micro.keys);
}

/// sums = factors * sums + V^T P, over keys [0, ends[2]) after `from`. All rows
/// see those of [ends[0], ends[1]). Of the others nothing is added to rows that
/// do not see them: a weight of zero times NaN is NaN.
void AttentionStrips::accumulate(Value v, Value from, std::array<Value, 3> ends,
                                 Micro micro) {
  auto part = [&](Value i, int64_t elements) {
    auto at = [&](int64_t s, int64_t c) {
      return SmallVector<Value>{b.addi(v, b.index(c)), b.addi(i, b.index(s)),
                                b.index(0)};
    };
    SmallVector<Value> start;
    for (int64_t s = 0; s < elements; ++s)
      for (int64_t c = 0; c < micro.vectors; ++c)
        start.push_back(b.mul(
            b.loadVector(lanes, sums, at(s, c), Value()),
            b.loadVector(lanes, factors, {b.index(c), b.index(0)}, Value())));
    auto over = [&](Value begin, Value end, ValueRange sums, bool masked) {
      return b.loop(begin, end, sums, [&](Value k, ValueRange old) {
        Value key = b.addi(from, k);
        SmallVector<Value> next =
            step(micro.vectors, old, scores, b.index(0), k, [&](int64_t s) {
              return kept(op.getValueCache(), valueBlock, key,
                          b.addi(i, b.index(s)));
            });
        for (int64_t c = 0; masked && c < micro.vectors; ++c) {
          Value seen = sees(rowPositions(b.addi(v, b.index(c))), key);
          for (int64_t s = 0; s < elements; ++s) {
            Value &sum = next[s * micro.vectors + c];
            sum = b.select(seen, sum, old[s * micro.vectors + c]);
          }
        }
        return next;
      });
    };
    SmallVector<Value> end = start;
    if (op.getWindow())
      end = over(b.index(0), ends[0], end, /*masked=*/true);
    end = over(ends[0], ends[1], end, /*masked=*/false);
    end = over(ends[1], ends[2], end, /*masked=*/true);
    for (int64_t s = 0; s < elements; ++s)
      for (int64_t c = 0; c < micro.vectors; ++c)
        b.storeVector(end[s * micro.vectors + c], sums, at(s, c), Value());
  };
  int64_t even = valueSize / micro.elements * micro.elements;
  if (even)
    b.loop(
        b.index(0), b.index(even), [&](Value i) { part(i, micro.elements); },
        micro.elements);
  if (even != valueSize)
    part(b.index(even), valueSize - even);
}

/// One step of a product: old[s, c] + scalar(s) * memory[v + c, i].
SmallVector<Value>
AttentionStrips::step(int64_t count, ValueRange old, Value memory, Value v,
                      Value i, llvm::function_ref<Value(int64_t)> scalar) {
  SmallVector<Value> vectors, next;
  for (int64_t c = 0; c < count; ++c)
    vectors.push_back(b.loadVector(
        lanes, memory, {b.addi(v, b.index(c)), i, b.index(0)}, Value()));
  for (size_t s = 0; s < old.size() / count; ++s) {
    Value one = b.broadcast(lanes, scalar(s));
    for (int64_t c = 0; c < count; ++c)
      next.push_back(b.fma(one, vectors[c], old[s * count + c]));
  }
  return next;
}

/// The online softmax: scores of vector `v` of the rows, in `scores[plane]`,
/// become weights by the new maximum, and totals so far are rescaled to it.
/// Keys that a row does not see have no weight, unless it has seen none at all
/// so far: the first one that it sees rescales what they summed up to 0.
void AttentionStrips::rescale(Value v, Value plane, Value from, Value count,
                              Value whole) {
  Value zero = b.index(0);
  auto load = [&](Value memory, ValueRange at) {
    return b.loadVector(lanes, memory, at, Value());
  };
  Value before = load(largest, {v, zero});
  Value own = rowPositions(v);
  auto greatest = [&](bool masked) {
    return b.loop(zero, count, before, [&](Value k, ValueRange old) {
      Value s = load(scores, {plane, k, zero});
      Value x = bound(s);
      if (masked)
        x = hide(x, own, b.addi(from, k));
      if (x != s)
        b.storeVector(x, scores, {plane, k, zero}, Value());
      return SmallVector<Value>{larger(x, old[0])};
    })[0];
  };
  Value after = b.ifElse(
      whole, [&] { return greatest(false); }, [&] { return greatest(true); });
  Value factor = b.exp2(b.sub(before, after));
  Value total = b.mul(load(totals, {v, zero}), factor);
  total = b.loop(zero, count, total, [&](Value k, ValueRange old) {
    Value p = b.exp2(b.sub(load(scores, {plane, k, zero}), after));
    b.storeVector(p, scores, {plane, k, zero}, Value());
    return SmallVector<Value>{b.add(old[0], p)};
  })[0];
  b.storeVector(after, largest, {v, zero}, Value());
  b.storeVector(total, totals, {v, zero}, Value());
  b.storeVector(factor, factors, {plane, zero}, Value());
}

Value AttentionStrips::rowPositions(Value v) {
  auto type = VectorType::get({lanes}, b.getI32Type());
  return vector::LoadOp::create(b, type, positions, ValueRange{v, b.index(0)});
}

/// Which of the rows at `own` see `key`.
Value AttentionStrips::sees(Value own, Value key) {
  auto compare = [&](arith::CmpIPredicate predicate, Value bound) {
    Value all = b.broadcast(
        lanes, arith::IndexCastOp::create(b, b.getI32Type(), bound));
    return arith::CmpIOp::create(b, predicate, own, all).getResult();
  };
  Value seen = compare(arith::CmpIPredicate::sge, key);
  if (op.getWindow())
    seen =
        arith::AndIOp::create(b, seen,
                              compare(arith::CmpIPredicate::slt,
                                      b.addi(key, b.index(*op.getWindow()))));
  return seen;
}

/// A score where the rows at `own` see `key`, else none.
Value AttentionStrips::hide(Value score, Value own, Value key) {
  return b.select(sees(own, key), score,
                  b.broadcast(lanes, b.constant(kNoScore)));
}
