//===- AttentionTiles.cpp - Attention over many tokens ----------*- C++ -*-===//
//
// Part of Marimba. FlashAttention-2 (Dao 2023) for vectors: a tile is some
// query rows, which are the tokens times the heads that share keys, against
// blocks of keys. Rows are in the lanes, in the scores (keys x rows) and in
// the sums (head elements x rows) alike:
//
//   S[k, rows]  = sum_i K[k, i] Q^T[i, rows]     M, L: maximum, sum of a row
//   O[i, rows] += V[k, i] P[k, rows]             P = 2^(S - M)
//
// Keys and values are read as scalars where they lie, only queries and the
// output are transposed, once a tile; maximum and sum never cross lanes, and
// any size of heads fits.
//
//===----------------------------------------------------------------------===//

#include "lowering/MarimbaToVector/AttentionLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Query rows of a tile: what a block of keys that came from memory is used
/// for.
constexpr int64_t kTileRows = 96;
/// Keys of a block: scores and sums of a strip stay in the first-level cache.
constexpr int64_t kBlockKeys = 64;

/// How many vectors of rows are taken together, and with how many keys (in the
/// scores) or elements of a value (in the output): `vectors` times so many sums
/// are in registers.
struct Micro {
  int64_t vectors, keys, elements;
};

class AttentionTiles : AttentionLoops {
public:
  AttentionTiles(KernelBuilder &b, AttentionOp op, int64_t lanes)
      : AttentionLoops(b, op, lanes) {
    // 12 sums of 16 registers or 24 of 32, beside 3 vectors and one scalar.
    // Elements lie side by side: LLVM loads all of them first, which takes a
    // register each.
    wide = lanes >= 16 ? Micro{3, 8, 6} : Micro{3, 4, 4};
    narrow = {1, 8, 8};
  }

  void emit() {
    Value batch = b.dim(op.getQuery(), 0), time = b.dim(op.getQuery(), 1);
    Value groups = b.dim(op.getKeyCache(), 1);
    b.parallel({batch, groups}, [&](ValueRange at) {
      Value past = b.loadIndex(op.getPast(), at[0]);
      Value tokens = b.rowTokens(op.getValid(), at[0], time);
      b.loop(b.index(0), tokens,
             [&](Value t) { append(at[0], at[1], t, b.addi(past, t)); });
    });
    Value rows = b.muli(time, b.index(perGroup));
    Value tiles = arith::CeilDivUIOp::create(b, rows, b.index(kTileRows));
    b.parallel({batch, groups, tiles}, [&](ValueRange at) {
      // Later tokens see more keys. Early and late tiles take turns, so that
      // equal shares of the tiles are equal shares of the work.
      Value half = arith::ShRUIOp::create(b, at[2], b.index(1));
      Value odd = arith::AndIOp::create(b, at[2], b.index(1));
      Value late = b.subi(b.subi(tiles, b.index(1)), half);
      tile(at[0], at[1], b.select(b.isZero(odd), half, late), time);
    });
  }

private:
  /// Rows [index * kTileRows, ...) of a group.
  void tile(Value batchRow, Value group, Value index, Value time) {
    row = batchRow, kv = group;
    int64_t vectors = llvm::divideCeil(kTileRows, lanes);
    queries = scratch({vectors, size, lanes});
    sums = scratch({vectors, size, lanes});
    largest = scratch({vectors, lanes});
    totals = scratch({vectors, lanes});
    positions = scratch({vectors, lanes}, b.getI32Type());
    scores = scratch({wide.vectors, kBlockKeys + narrow.keys, lanes});
    shrink = scratch({wide.vectors, lanes});

    past = b.loadIndex(op.getPast(), row);
    Value real =
        b.muli(b.rowTokens(op.getValid(), row, time), b.index(perGroup));
    first = b.muli(index, b.index(kTileRows));
    Value end = b.addi(first, b.index(kTileRows));
    last = b.subi(b.mini(end, real), b.index(1));
    if (op.getValid())
      b.loop(b.maxi(first, real), b.mini(end, b.muli(time, b.index(perGroup))),
             [&](Value r) {
               auto [t, head] = tokenAndHead(r);
               storeZeros(row, t, head);
             });
    b.ifThen(b.cmpi(/*lessThan=*/false, last, first), [&] {
      Value count = b.addi(b.subi(last, first), b.index(1));
      used = arith::CeilDivUIOp::create(b, count, b.index(lanes));
      b.loop(b.index(0), used, [&](Value v) { begin(v); });
      overKeys();
      b.loop(b.index(0), used, [&](Value v) { finish(v); });
    });
  }

  /// Token and query head of a row of the group.
  std::pair<Value, Value> tokenAndHead(Value r) {
    Value t = arith::DivUIOp::create(b, r, b.index(perGroup));
    Value h = arith::RemUIOp::create(b, r, b.index(perGroup));
    return {t, b.addi(b.muli(kv, b.index(perGroup)), h)};
  }
  /// Row of lane `lane` of vector `v`. Lanes behind the last row repeat it,
  /// down to the store of the result.
  Value rowAt(Value v, int64_t lane) {
    Value r = b.addi(b.muli(v, b.index(lanes)), b.index(lane));
    return b.mini(b.addi(first, r), last);
  }
  Value positionOf(Value r) {
    return b.addi(past, arith::DivUIOp::create(b, r, b.index(perGroup)));
  }

  /// Transposes vector `v` of the queries; nothing is summed up yet.
  void begin(Value v) {
    SmallVector<std::pair<Value, Value>> at;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      Value r = rowAt(v, lane);
      at.push_back(tokenAndHead(r));
      Value position = arith::IndexCastOp::create(
          b, b.getI32Type(), b.addi(past, at.back().first));
      b.store(position, positions, {v, b.index(lane)});
    }
    Value zero = b.index(0);
    b.storeVector(b.broadcast(lanes, b.constant(kNoScore)), largest, {v, zero},
                  Value());
    b.storeVector(b.zeros(lanes), totals, {v, zero}, Value());
    overHead([&](Value i, int64_t count, Value mask) {
      SmallVector<Value> part;
      for (auto [t, head] : at)
        part.push_back(
            b.mul(b.loadVector(lanes, op.getQuery(), {row, t, head, i}, mask),
                  b.constant(queryFactor())));
      transpose(part);
      for (int64_t j = 0; j < count; ++j) {
        Value to = b.addi(i, b.index(j));
        b.storeVector(part[j], queries, {v, to, zero}, Value());
        b.storeVector(b.zeros(lanes), sums, {v, to, zero}, Value());
      }
    });
  }

  /// Divides by the total and stores vector `v` of the rows.
  void finish(Value v) {
    SmallVector<std::pair<Value, Value>> at;
    for (int64_t lane = 0; lane < lanes; ++lane)
      at.push_back(tokenAndHead(rowAt(v, lane)));
    Value zero = b.index(0);
    Value total = b.loadVector(lanes, totals, {v, zero}, Value());
    Value inverse = b.div(b.broadcast(lanes, b.constant(1.0)), total);
    overHead([&](Value i, int64_t count, Value mask) {
      SmallVector<Value> part(lanes, b.zeros(lanes));
      for (int64_t j = 0; j < count; ++j)
        part[j] = b.mul(b.loadVector(lanes, sums,
                                     {v, b.addi(i, b.index(j)), zero}, Value()),
                        inverse);
      transpose(part);
      for (auto [lane, where] : llvm::enumerate(at))
        b.storeVector(part[lane], op.getOutput(),
                      {row, where.first, where.second, i}, mask);
    });
  }

  /// All blocks of keys that the tile sees, each for all strips of rows.
  void overKeys() {
    Value from = firstKey(positionOf(first));
    Value to = b.addi(positionOf(last), b.index(1));
    Value rest = arith::RemUIOp::create(b, used, b.index(wide.vectors));
    Value even = b.subi(used, rest);
    b.loop(
        from, to,
        [&](Value key) {
          Value end = b.mini(b.addi(key, b.index(kBlockKeys)), to);
          b.loop(
              b.index(0), even, [&](Value v) { strip(v, key, end, wide); },
              wide.vectors);
          b.loop(even, used, [&](Value v) { strip(v, key, end, narrow); });
        },
        kBlockKeys);
  }

  /// What `micro.vectors` vectors of rows from `v` see of keys [key, end).
  void strip(Value v, Value key, Value end, Micro micro) {
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
             [&](Value c) { soften(b.addi(v, c), c, from, count, whole); });
      weigh(v, from, count, micro);
    });
  }

  /// scores = K Q^T
  void score(Value v, Value from, Value count, Micro micro) {
    Value lastKey = b.subi(b.addi(from, count), b.index(1));
    b.loop(
        b.index(0), count,
        [&](Value k) {
          // Keys behind the last one are read as the last one, and not used.
          SmallVector<Value> keys;
          for (int64_t s = 0; s < micro.keys; ++s)
            keys.push_back(
                b.mini(b.addi(b.addi(from, k), b.index(s)), lastKey));
          SmallVector<Value> zeros(micro.keys * micro.vectors, b.zeros(lanes));
          SmallVector<Value> dots = b.loop(
              b.index(0), b.index(size), zeros, [&](Value i, ValueRange old) {
                return step(micro.vectors, old, queries, v, i, [&](int64_t s) {
                  return b.load(op.getKeyCache(), {row, kv, keys[s], i});
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

  /// sums = shrink * sums + V^T P
  void weigh(Value v, Value from, Value count, Micro micro) {
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
              b.loadVector(lanes, shrink, {b.index(c), b.index(0)}, Value())));
      SmallVector<Value> end =
          b.loop(b.index(0), count, start, [&](Value k, ValueRange old) {
            Value key = b.addi(from, k);
            return step(micro.vectors, old, scores, b.index(0), k,
                        [&](int64_t s) {
                          return b.load(op.getValueCache(),
                                        {row, kv, key, b.addi(i, b.index(s))});
                        });
          });
      for (int64_t s = 0; s < elements; ++s)
        for (int64_t c = 0; c < micro.vectors; ++c)
          b.storeVector(end[s * micro.vectors + c], sums, at(s, c), Value());
    };
    int64_t even = size / micro.elements * micro.elements;
    if (even)
      b.loop(
          b.index(0), b.index(even), [&](Value i) { part(i, micro.elements); },
          micro.elements);
    if (even != size)
      part(b.index(even), size - even);
  }

  /// One step of a product: old[s, c] + scalar(s) * memory[v + c, i].
  SmallVector<Value> step(int64_t count, ValueRange old, Value memory, Value v,
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

  /// Scores of vector `v` of the rows, in `scores[plane]`, become weights. Keys
  /// that a row does not see have no weight, unless it has seen none at all so
  /// far: then what is summed up shrinks to nothing once it sees one.
  void soften(Value v, Value plane, Value from, Value count, Value whole) {
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
    b.storeVector(factor, shrink, {plane, zero}, Value());
  }

  Value rowPositions(Value v) {
    auto type = VectorType::get({lanes}, b.getI32Type());
    return vector::LoadOp::create(b, type, positions,
                                  ValueRange{v, b.index(0)});
  }
  /// A score where the rows at `own` see `key`, else none.
  Value hide(Value score, Value own, Value key) {
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
    return b.select(seen, score, b.broadcast(lanes, b.constant(kNoScore)));
  }

  Micro wide, narrow;
  // Of the tile that is emitted: batch row, group, its past; first and last
  // row; vectors of rows; scratch.
  Value row, kv, past, first, last, used;
  Value queries, sums, largest, totals, positions, scores, shrink;
};

} // namespace

void mlir::marimba::emitAttentionTiles(KernelBuilder &b, AttentionOp op,
                                       int64_t lanes) {
  AttentionTiles(b, op, lanes).emit();
}
