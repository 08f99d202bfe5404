//===- AttentionDecode.cpp - Attention of one token -------------*- C++ -*-===//
//
// Part of Marimba. One token a row: memory is the limit, so each key and value
// is read once, for all query heads that share it. Elements of a head are in
// the lanes. Keys are read at several places at once, as one stream each, which
// is what memory is fastest with, and in blocks as in AttentionTiles.cpp. The
// order of keys in the scores follows: slot p is key p / streams of stream
// p % streams.
//
// Where the groups are no multiple of the threads and the cache is long, parts
// of the keys go to different threads, and what they found is merged
// (flash-decoding: Dao, Haziza, Massa and Sizov 2023).
//
//===----------------------------------------------------------------------===//

#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/MarimbaToVector/AttentionLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <numeric>

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Keys that a block has of each stream: maximum and sums change once for all
/// of them.
constexpr int64_t kBlockKeys = 64;
/// How far ahead of their use keys and values are asked for.
constexpr int64_t kAheadBytes = 1024;
/// What is worth a part of its own.
constexpr int64_t kLeastKeys = 256;
/// More units than that for each thread are even enough without parts.
constexpr int64_t kManyUnits = 4;
/// f32 of a cache line.
constexpr int64_t kLine = 16;

class AttentionDecode : AttentionLoops {
public:
  AttentionDecode(KernelBuilder &b, AttentionOp op, int64_t lanes,
                  int64_t threads)
      : AttentionLoops(b, op, lanes), threads(threads) {
    together =
        std::min({int64_t(4), lanes, int64_t(llvm::PowerOf2Ceil(perGroup))});
    heads = llvm::alignTo(perGroup, together);
    padded = llvm::alignTo(size, lanes);
    streams = std::min<int64_t>(4, lanes);
  }

  void emit() {
    Value batch = b.dim(op.getQuery(), 0);
    int64_t groups = cast<MemRefType>(op.getKeyCache().getType()).getDimSize(1);
    // So many parts make the units a multiple of the threads.
    int64_t most = threads / std::gcd(threads, groups);
    auto func = op->getParentOfType<func::FuncOp>();
    if (most == 1 || !func.getNumArguments() ||
        !isa<rt::ContextType>(func.getArgument(0).getType())) {
      b.parallel({batch, b.index(groups)}, [&](ValueRange at) {
        unit(at[0], at[1], b.index(0), b.index(1));
      });
      return;
    }
    Value context = func.getArgument(0);
    Value parts = countParts(batch, groups, most);
    Value split = b.cmpi(/*lessThan=*/true, b.index(1), parts);
    Value mark = rt::ArenaMarkOp::create(b, b.getI64Type(), context);
    Value rows = b.select(split, batch, b.index(0));
    auto allocate = [&](int64_t width) {
      auto type =
          MemRefType::get({ShapedType::kDynamic, groups, most, perGroup, width},
                          b.getF32Type());
      return rt::ArenaAllocOp::create(b, type, context, rows).getResult();
    };
    partSums = allocate(padded);
    partStats = allocate(2);
    b.parallel({batch, b.index(groups), parts},
               [&](ValueRange at) { unit(at[0], at[1], at[2], parts); });
    b.ifThen(split, [&] {
      b.parallel({batch, b.index(groups), b.index(perGroup)},
                 [&](ValueRange at) { merge(at[0], at[1], at[2], parts); });
    });
    rt::ArenaReleaseOp::create(b, context, mark);
  }

private:
  /// Parts of each row's keys: 1 where that is even enough, or too short.
  Value countParts(Value batch, int64_t groups, int64_t most) {
    Value longest =
        b.loop(b.index(0), batch, b.index(0), [&](Value row, ValueRange old) {
          Value past = b.loadIndex(op.getPast(), row);
          return SmallVector<Value>{b.maxi(old[0], past)};
        })[0];
    if (op.getWindow())
      longest = b.mini(longest, b.index(*op.getWindow()));
    Value parts = arith::DivUIOp::create(b, longest, b.index(kLeastKeys));
    parts = b.maxi(b.mini(parts, b.index(most)), b.index(1));
    Value units = b.muli(batch, b.index(groups));
    Value few = b.cmpi(/*lessThan=*/true, units, b.index(kManyUnits * threads));
    return b.select(few, parts, b.index(1));
  }

  /// Part `part` of what the queries of a group see.
  void unit(Value batchRow, Value group, Value part, Value parts) {
    row = batchRow, kv = group;
    queries = scratch({heads, padded});
    sums = scratch({heads, padded});
    scores = scratch({heads, kBlockKeys * streams + lanes});
    totals = scratch({heads, lanes});
    largest = scratch({heads});
    auto attend = [&] {
      Value past = b.loadIndex(op.getPast(), row);
      Value visible = b.addi(past, b.index(1));
      Value begin = firstKey(past);
      Value seen = b.subi(visible, begin);
      auto bound = [&](Value i) {
        Value share = arith::DivUIOp::create(b, b.muli(seen, i), parts);
        return b.addi(begin, share);
      };
      Value to = bound(b.addi(part, b.index(1)));
      Value isLast = b.isZero(b.subi(visible, to));
      b.ifThen(isLast, [&] { append(row, kv, b.index(0), past); });
      b.loop(b.index(0), b.index(heads), [&](Value h) { start(h); });
      from = bound(part);
      last = b.subi(to, b.index(1));
      Value count = b.subi(to, from);
      stream = arith::CeilDivUIOp::create(b, count, b.index(streams));
      b.loop(b.index(0), stream, [&](Value k) { block(k); }, kBlockKeys);
      finish(part, parts);
    };
    if (!op.getValid())
      return attend();
    Value tokens = b.rowTokens(op.getValid(), row, b.index(1));
    Value padding = b.cmpi(/*lessThan=*/true, tokens, b.index(1));
    Value real = b.cmpi(/*lessThan=*/false, tokens, b.index(1));
    b.ifThen(padding, [&] {
      overQueries(
          [&](Value, Value head) { storeZeros(row, b.index(0), head); });
    });
    b.ifThen(real, attend);
  }

  /// For each query head of the group, counted there and among all.
  void overQueries(llvm::function_ref<void(Value, Value)> body) {
    b.loop(b.index(0), b.index(perGroup),
           [&](Value h) { body(h, b.addi(b.muli(kv, b.index(perGroup)), h)); });
  }

  /// Scales query head `h`. What makes `heads` more than there are is zero.
  void start(Value h) {
    Value head =
        b.addi(b.muli(kv, b.index(perGroup)), b.mini(h, b.index(perGroup - 1)));
    overHead([&](Value i, int64_t, Value mask) {
      Value part =
          b.loadVector(lanes, op.getQuery(), {row, b.index(0), head, i}, mask);
      b.storeVector(b.mul(part, b.constant(queryFactor())), queries, {h, i},
                    Value());
      b.storeVector(b.zeros(lanes), sums, {h, i}, Value());
    });
    b.storeVector(b.zeros(lanes), totals, {h, b.index(0)}, Value());
    b.store(b.constant(kNoScore), largest, h);
  }

  /// Keys [first, ...) of each stream.
  void block(Value first) {
    Value count = b.mini(b.subi(stream, first), b.index(kBlockKeys));
    Value slots = b.muli(count, b.index(streams));
    int64_t keys = lanes / together, step = std::max(keys, streams);
    b.loop(
        b.index(0), slots,
        [&](Value slot) {
          for (int64_t j = 0; j < step; j += keys) {
            SmallVector<Value> at;
            Value k = b.addi(first,
                             arith::DivUIOp::create(b, slot, b.index(streams)));
            for (int64_t i = j; i < j + keys; ++i)
              at.push_back(keyOf(k, i));
            Value to = b.addi(slot, b.index(j));
            score(at, to, b.index(0), /*fetch=*/true);
            if (heads > together)
              b.loop(
                  b.index(together), b.index(heads),
                  [&](Value h) { score(at, to, h, /*fetch=*/false); },
                  together);
          }
        },
        step);
    b.loop(b.index(0), b.index(heads),
           [&](Value h) { soften(h, first, slots); });
    weigh(first, count);
  }

  /// The key of slot `i` behind the first one of keys `k` of the streams. What
  /// is behind the last key is read as that, and not used.
  Value keyOf(Value k, int64_t i) {
    Value begin = b.muli(stream, b.index(i % streams));
    Value key = b.addi(b.addi(k, b.index(i / streams)), begin);
    return b.mini(b.addi(from, key), last);
  }

  /// Scores of the keys `at` with `together` heads from h, one sum each, for
  /// the slots from `slot` on.
  void score(ArrayRef<Value> at, Value slot, Value h, bool fetch) {
    int64_t keys = at.size();
    auto step = [&](ValueRange old, Value i, Value mask) {
      SmallVector<Value> vectors, next;
      for (Value position : at)
        vectors.push_back(b.loadVector(lanes, op.getKeyCache(),
                                       {row, kv, position, i}, mask));
      for (int64_t n = 0; n < together; ++n) {
        Value q =
            b.loadVector(lanes, queries, {b.addi(h, b.index(n)), i}, Value());
        for (int64_t j = 0; j < keys; ++j)
          next.push_back(b.fma(q, vectors[j], old[n * keys + j]));
      }
      return next;
    };
    SmallVector<Value> dots(lanes, b.zeros(lanes));
    int64_t line = std::max(kLine, lanes), whole = size / line * line;
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
    for (int64_t i = whole; i < size; i += lanes)
      dots = step(dots, b.index(i), maskOf(i));
    Value reduced = reduceEach(dots);
    for (int64_t n = 0; n < together; ++n) {
      Value own = vector::ExtractStridedSliceOp::create(
          b, reduced, ArrayRef<int64_t>{n * keys}, ArrayRef<int64_t>{keys},
          ArrayRef<int64_t>{1});
      b.storeVector(own, scores, {b.addi(h, b.index(n)), slot}, Value());
    }
  }

  /// Scores of head `h` become weights; slots without a key have none.
  void soften(Value h, Value first, Value slots) {
    auto at = [&](Value slot) { return SmallVector<Value>{h, slot}; };
    Value none = b.broadcast(lanes, b.constant(kNoScore));
    Value blockMax = b.loop(
        b.index(0), slots, none,
        [&](Value slot, ValueRange old) {
          Value k =
              b.addi(first, arith::DivUIOp::create(b, slot, b.index(streams)));
          Value x = bound(b.loadVector(lanes, scores, at(slot), Value()));
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
          b.storeVector(p, scores, at(slot), Value());
          return SmallVector<Value>{b.add(old[0], p)};
        },
        lanes)[0];
    b.storeVector(total, totals, at(b.index(0)), Value());
    b.store(after, largest, h);
    overHead([&](Value i, int64_t, Value) {
      Value sum = b.loadVector(lanes, sums, {h, i}, Value());
      b.storeVector(b.mul(sum, factor), sums, {h, i}, Value());
    });
  }

  /// Which of the slots of `lanes` lanes from keys `k` of the streams on have a
  /// key: those that are in their stream, and not behind the last key.
  Value haveKeys(Value k) {
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
    Value count = b.addi(b.subi(last, from), b.index(1));
    return arith::AndIOp::create(
        b, less(own, length),
        less(arith::AddIOp::create(b, own, begin), all(count)));
  }

  /// Adds the values of keys [first, first + count) of the streams by their
  /// weights. Weights are in registers, sums in the first-level cache.
  void weigh(Value first, Value count) {
    int64_t some = std::min<int64_t>(lanes >= 16 ? 4 : 2, together);
    b.loop(b.index(0), count, [&](Value k) {
      Value slot = b.muli(k, b.index(streams));
      SmallVector<Value> at;
      for (int64_t j = 0; j < streams; ++j)
        at.push_back(keyOf(b.addi(first, k), j));
      auto add = [&](Value h, bool fetch) {
        SmallVector<Value> weights;
        for (int64_t n = 0; n < some; ++n)
          for (int64_t j = 0; j < streams; ++j)
            weights.push_back(
                b.broadcast(lanes, b.load(scores, {b.addi(h, b.index(n)),
                                                   b.addi(slot, b.index(j))})));
        overLines([&](Value i, Value mask, bool newLine) {
          if (fetch && newLine)
            prefetch(op.getValueCache(), at, i);
          SmallVector<Value> values;
          for (Value position : at)
            values.push_back(b.loadVector(lanes, op.getValueCache(),
                                          {row, kv, position, i}, mask));
          for (int64_t n = 0; n < some; ++n) {
            SmallVector<Value> own = {b.addi(h, b.index(n)), i};
            Value sum = b.loadVector(lanes, sums, own, Value());
            for (int64_t j = 0; j < streams; ++j)
              sum = b.fma(weights[n * streams + j], values[j], sum);
            b.storeVector(sum, sums, own, Value());
          }
        });
      };
      add(b.index(0), /*fetch=*/true);
      if (heads > some)
        b.loop(
            b.index(some), b.index(heads),
            [&](Value h) { add(h, /*fetch=*/false); }, some);
    });
  }

  /// Vectors of a head as `overHead`, two or more of one cache line in one
  /// iteration: `body(i, mask, whether a line begins)`.
  void overLines(llvm::function_ref<void(Value, Value, bool)> body) {
    int64_t line = std::max(kLine, lanes), whole = size / line * line;
    if (whole)
      b.loop(
          b.index(0), b.index(whole),
          [&](Value i) {
            for (int64_t j = 0; j < line; j += lanes)
              body(b.addi(i, b.index(j)), Value(), j == 0);
          },
          line);
    for (int64_t i = whole; i < size; i += lanes)
      body(b.index(i), maskOf(i), i == whole);
  }

  /// Asks for element `i` of the keys that follow those at `at` in some time.
  void prefetch(Value memory, ArrayRef<Value> at, Value i) {
    int64_t ahead = std::max<int64_t>(1, kAheadBytes / (4 * size));
    for (Value position : at)
      b.prefetch(memory,
                 {row, kv, b.mini(b.addi(position, b.index(ahead)), last), i},
                 /*locality=*/3);
  }

  /// Stores the output, or what `merge` makes it of.
  void finish(Value part, Value parts) {
    auto whole = [&](Value h, Value head) {
      Value total =
          b.reduceAdd(b.loadVector(lanes, totals, {h, b.index(0)}, Value()));
      overHead([&](Value i, int64_t, Value mask) {
        Value sum = b.loadVector(lanes, sums, {h, i}, Value());
        b.storeVector(b.div(sum, total), op.getOutput(),
                      {row, b.index(0), head, i}, mask);
      });
    };
    if (!partSums)
      return overQueries(whole);
    Value split = b.cmpi(/*lessThan=*/true, b.index(1), parts);
    Value single = b.cmpi(/*lessThan=*/false, b.index(1), parts);
    b.ifThen(single, [&] { overQueries(whole); });
    b.ifThen(split, [&] {
      overQueries([&](Value h, Value) {
        Value total =
            b.reduceAdd(b.loadVector(lanes, totals, {h, b.index(0)}, Value()));
        b.store(b.load(largest, h), partStats, {row, kv, part, h, b.index(0)});
        b.store(total, partStats, {row, kv, part, h, b.index(1)});
        overHead([&](Value i, int64_t, Value) {
          b.storeVector(b.loadVector(lanes, sums, {h, i}, Value()), partSums,
                        {row, kv, part, h, i}, Value());
        });
      });
    });
  }

  /// Output of query head `h` of a group from what each part found.
  void merge(Value row, Value kv, Value h, Value parts) {
    auto stat = [&](Value part, int64_t which) {
      return b.load(partStats, {row, kv, part, h, b.index(which)});
    };
    auto compute = [&] {
      Value most =
          b.loop(b.index(0), parts, b.constant(kNoScore),
                 [&](Value part, ValueRange old) {
                   return SmallVector<Value>{larger(stat(part, 0), old[0])};
                 })[0];
      auto weight = [&](Value part) {
        return b.exp2(b.sub(stat(part, 0), most));
      };
      Value total = b.loop(b.index(0), parts, b.constant(0.0),
                           [&](Value part, ValueRange old) {
                             return SmallVector<Value>{
                                 b.fma(stat(part, 1), weight(part), old[0])};
                           })[0];
      Value head = b.addi(b.muli(kv, b.index(perGroup)), h);
      overHead([&](Value i, int64_t, Value mask) {
        Value sum = b.loop(
            b.index(0), parts, b.zeros(lanes), [&](Value part, ValueRange old) {
              Value own =
                  b.loadVector(lanes, partSums, {row, kv, part, h, i}, Value());
              return SmallVector<Value>{b.fma(own, weight(part), old[0])};
            })[0];
        b.storeVector(b.div(sum, total), op.getOutput(),
                      {row, b.index(0), head, i}, mask);
      });
    };
    if (!op.getValid())
      return compute();
    Value tokens = b.rowTokens(op.getValid(), row, b.index(1));
    b.ifThen(b.cmpi(/*lessThan=*/false, tokens, b.index(1)), compute);
  }

  /// Lane j of the result is the sum of all lanes of vectors[j]: halves are
  /// added until one vector is left. Pairs of elements meet first within 128
  /// bits, where shuffles are cheap, then whole groups of four.
  Value reduceEach(SmallVector<Value> vectors) {
    int64_t group = std::min<int64_t>(4, lanes);
    auto level = [&](int64_t unit, int64_t range, int64_t stride) {
      // Of each `range`: units without the bit `stride`, those with it.
      SmallVector<int64_t> without, with;
      for (int64_t base = 0; base < lanes; base += range)
        for (int64_t source : {int64_t(0), lanes})
          for (int64_t i = 0; i < range; ++i)
            ((i / unit & stride) ? with : without).push_back(source + base + i);
      SmallVector<Value> next;
      for (size_t i = 0; i < vectors.size(); i += 2)
        next.push_back(b.add(
            vector::ShuffleOp::create(b, vectors[i], vectors[i + 1], without),
            vector::ShuffleOp::create(b, vectors[i], vectors[i + 1], with)));
      vectors = next;
    };
    for (int64_t stride = group / 2; stride; stride /= 2)
      level(1, group, stride);
    for (int64_t stride = lanes / group / 2; stride; stride /= 2)
      level(group, lanes, stride);
    return vectors[0];
  }

  int64_t threads;
  int64_t together; // heads that share what is loaded of a key
  int64_t heads;    // of a group, a multiple of that
  int64_t padded;   // size of a head in whole vectors
  int64_t streams;
  // Of the unit that is emitted: batch row, group; first and last key, keys of
  // a stream; scratch.
  Value row, kv, from, last, stream;
  Value queries, sums, scores, totals, largest;
  // What parts found, [B, Hkv, parts, perGroup, ...]: sums; maximum and total.
  Value partSums, partStats;
};

} // namespace

void mlir::marimba::emitAttentionDecode(KernelBuilder &b, AttentionOp op,
                                        int64_t lanes, int64_t threads) {
  AttentionDecode(b, op, lanes, threads).emit();
}
