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
// Keys and values are read as scalars where they lie, or, of narrower types,
// from a block that was widened for all rows of the tile; only queries and the
// output are transposed, once a tile; maximum and sum never cross lanes, and
// any size of heads fits.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/MarimbaToVector/AttentionStrips.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Most query rows of a tile: what a block of keys that came from memory is
/// used for.
constexpr int64_t kTileRows = 96;
/// Fewer rows where there would not be so many tiles for each thread.
constexpr int64_t kTilesPerThread = 4;
/// Keys of a block: scores and sums of a strip stay in the first-level cache.
constexpr int64_t kBlockKeys = 64;

class AttentionTiles : AttentionStrips {
public:
  AttentionTiles(KernelBuilder &b, AttentionOp op, int64_t lanes,
                 int64_t threads)
      : AttentionStrips(b, op, lanes), threads(threads) {}

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
    tileRows = chooseTileRows(b.muli(b.muli(batch, groups), rows));
    Value tiles = arith::CeilDivUIOp::create(b, rows, tileRows);
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
  /// Rows of a tile where there are `rows` in all: whole strips.
  Value chooseTileRows(Value rows) {
    int64_t strip = wide.vectors * lanes;
    Value strips = arith::CeilDivUIOp::create(
        b, rows, b.index(kTilesPerThread * threads * strip));
    return b.mini(b.muli(b.maxi(strips, b.index(1)), b.index(strip)),
                  b.index(kTileRows));
  }

  /// Rows [index * tileRows, ...) of a group.
  void tile(Value batchRow, Value group, Value index, Value time) {
    row = batchRow, kv = group;
    allocate(llvm::divideCeil(kTileRows, lanes), kBlockKeys);

    past = b.loadIndex(op.getPast(), row);
    Value real =
        b.muli(b.rowTokens(op.getValid(), row, time), b.index(perGroup));
    first = b.muli(index, tileRows);
    Value end = b.addi(first, tileRows);
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
      }
    });
    b.loop(zero, b.index(valueSize), [&](Value i) {
      b.storeVector(b.zeros(lanes), sums, {v, i, zero}, Value());
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
    overValue([&](Value i, int64_t count, Value mask) {
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
    // Blocks begin where they do for any other tile: a row's sums do not depend
    // on the tokens that are computed with it.
    Value seen = firstKey(positionOf(first));
    Value from =
        b.subi(seen, arith::RemUIOp::create(b, seen, b.index(kBlockKeys)));
    Value to = b.addi(positionOf(last), b.index(1));
    Value rest = arith::RemUIOp::create(b, used, b.index(wide.vectors));
    Value even = b.subi(used, rest);
    b.loop(
        from, to,
        [&](Value key) {
          Value end = b.mini(b.addi(key, b.index(kBlockKeys)), to);
          widen(key, end);
          b.loop(
              b.index(0), even, [&](Value v) { strip(v, key, end, wide); },
              wide.vectors);
          b.loop(even, used, [&](Value v) { strip(v, key, end, narrow); });
        },
        kBlockKeys);
  }

  int64_t threads;
  Value tileRows;
  Value used; // vectors of rows of the tile that is emitted
};

} // namespace

void mlir::marimba::emitAttentionTiles(KernelBuilder &b, AttentionOp op,
                                       int64_t lanes, int64_t threads) {
  AttentionTiles(b, op, lanes, threads).emit();
}
