//===- AttentionToVector.cpp - attention with online softmax ----*- C++ -*-===//
//
// Part of Marimba. One query at a time passes over the cache in blocks of keys,
// as many as a vector has lanes, and keeps a running maximum and sum (Milakov
// and Gimelshein 2018; Dao et al. 2022): scores are never stored.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/MarimbaToVector/ChannelBlocks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Below every score that a model produces, and finite: differences stay so.
constexpr double kNoScore = -1.0e30;

class AttentionEmitter {
public:
  AttentionEmitter(KernelBuilder &b, AttentionOp op, int64_t lanes)
      : b(b), op(op), lanes(lanes) {
    auto type = cast<MemRefType>(op.getQuery().getType());
    size = type.getDimSize(3);
    perGroup = type.getDimSize(2) /
               cast<MemRefType>(op.getKeyCache().getType()).getDimSize(1);
  }

  void emit() {
    Value time = b.dim(op.getQuery(), 1);
    Value groups = b.dim(op.getKeyCache(), 1);
    tailMask =
        size % lanes ? b.tailMask(lanes, b.index(size % lanes)) : Value();
    b.parallel({b.dim(op.getQuery(), 0), groups}, [&](ValueRange at) {
      Value row = at[0], group = at[1];
      Value past = b.loadIndex(op.getPast(), row);
      Value tokens = b.rowTokens(op.getValid(), row, time);
      b.loop(b.index(0), tokens,
             [&](Value t) { append(row, group, t, b.addi(past, t)); });
    });
    // Queries of one head share its keys; blocks of them are the unit of work.
    Value heads = b.dim(op.getQuery(), 2);
    b.parallel(
        {b.dim(op.getQuery(), 0), heads, time},
        [&](ValueRange at) {
          Value row = at[0], head = at[1], first = at[2];
          Value group = arith::DivUIOp::create(b, head, b.index(perGroup));
          Value past = b.loadIndex(op.getPast(), row);
          Value tokens = b.rowTokens(op.getValid(), row, time);
          Value last = b.mini(b.addi(first, b.index(kQueries)), time);
          b.loop(first, b.mini(last, tokens), [&](Value t) {
            Value visible = b.addi(b.addi(past, t), b.index(1));
            Value begin = b.index(0);
            if (op.getWindow())
              begin = b.maxi(b.subi(visible, b.index(*op.getWindow())), begin);
            query(row, head, group, t, begin, visible);
          });
          Value padding = arith::MaxSIOp::create(b, first, tokens);
          if (op.getValid())
            b.loop(padding, last, [&](Value t) {
              for (int64_t i = 0; i < size; i += lanes)
                b.storeVector(b.zeros(lanes), op.getOutput(),
                              {row, t, head, b.index(i)}, maskOf(i));
            });
        },
        kQueries);
  }

private:
  static constexpr int64_t kQueries = 16;

  /// Mask of the vector that begins at element `i` of a head.
  Value maskOf(int64_t i) { return i + lanes > size ? tailMask : Value(); }

  SmallVector<Value> loadHead(Value memref, ValueRange outer) {
    SmallVector<Value> parts;
    for (int64_t i = 0; i < size; i += lanes) {
      SmallVector<Value> at(outer);
      at.push_back(b.index(i));
      parts.push_back(b.loadVector(lanes, memref, at, maskOf(i)));
    }
    return parts;
  }

  /// Copies one token's key and value into the cache.
  void append(Value row, Value group, Value t, Value position) {
    for (auto [from, to] : {std::pair(op.getKey(), op.getKeyCache()),
                            std::pair(op.getValue(), op.getValueCache())})
      for (auto [i, part] : llvm::enumerate(loadHead(from, {row, t, group})))
        b.storeVector(part, to,
                      {row, group, position, b.index(int64_t(i) * lanes)},
                      maskOf(int64_t(i) * lanes));
  }

  /// Softmax over the keys [begin, visible) for one query, times their values.
  void query(Value row, Value head, Value group, Value t, Value begin,
             Value visible) {
    SmallVector<Value> q = loadHead(op.getQuery(), {row, t, head});
    for (Value &part : q)
      part = b.mul(part, b.constant(op.getScale().convertToDouble()));
    Value lastKey = b.subi(visible, b.index(1));
    SmallVector<Value> carried = {b.constant(kNoScore), b.constant(0.0)};
    carried.append(q.size(), b.zeros(lanes));
    SmallVector<Value> result = b.loop(
        begin, visible, carried,
        [&](Value s, ValueRange old) {
          // Keys behind the last one are read as the last one and masked off.
          SmallVector<Value> keys;
          Value scores = b.zeros(lanes);
          for (int64_t j = 0; j < lanes; ++j) {
            keys.push_back(b.mini(b.addi(s, b.index(j)), lastKey));
            SmallVector<Value> k =
                loadHead(op.getKeyCache(), {row, group, keys.back()});
            Value dot = b.mul(q[0], k[0]);
            for (size_t i = 1; i < q.size(); ++i)
              dot = b.fma(q[i], k[i], dot);
            scores = vector::InsertOp::create(b, b.reduceAdd(dot), scores, j);
          }
          if (op.getSoftcap())
            scores = b.softcap(scores, op.getSoftcap()->convertToDouble());
          Value inRange = b.tailMask(lanes, b.subi(visible, s));
          Value none = b.broadcast(lanes, b.constant(kNoScore));
          scores = b.select(inRange, scores, none);
          Value largest = b.max(old[0], b.reduceMax(scores));
          Value p = b.exp(b.sub(scores, largest));
          p = b.select(inRange, p, b.zeros(lanes));
          Value shrink = b.exp(b.sub(old[0], largest));
          SmallVector<Value> next = {largest,
                                     b.fma(old[1], shrink, b.reduceAdd(p))};
          for (Value sum : old.drop_front(2))
            next.push_back(b.mul(sum, shrink));
          for (int64_t j = 0; j < lanes; ++j) {
            Value weight = vector::ExtractOp::create(b, p, j);
            SmallVector<Value> v =
                loadHead(op.getValueCache(), {row, group, keys[j]});
            for (auto [i, part] : llvm::enumerate(v))
              next[2 + i] = b.fma(part, weight, next[2 + i]);
          }
          return next;
        },
        lanes);
    for (auto [i, sum] : llvm::enumerate(ArrayRef(result).drop_front(2)))
      b.storeVector(b.div(sum, result[1]), op.getOutput(),
                    {row, t, head, b.index(int64_t(i) * lanes)},
                    maskOf(int64_t(i) * lanes));
  }

  KernelBuilder &b;
  AttentionOp op;
  int64_t lanes, size, perGroup;
  Value tailMask;
};

} // namespace

void mlir::marimba::populateAttentionToVectorPatterns(
    RewritePatternSet &patterns, int64_t lanes) {
  patterns.add<EmitterPattern<AttentionOp, AttentionEmitter>>(
      patterns.getContext(), lanes);
}
