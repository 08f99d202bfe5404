//===- AttentionDecode.cpp - Attention of one token -------------*- C++ -*-===//
//
// Part of Marimba. One token a row: memory is the limit, so each key and value
// is read once, for all query heads that share it. Elements of a head are in
// the lanes. Blocks of keys as in AttentionTiles.cpp; while scores of a block
// are computed its values come from memory, and meanwhile the next keys.
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

/// Keys of a block: few enough that their values are still in the second-level
/// cache when they are wanted.
constexpr int64_t kBlockKeys = 64;
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
    scores = scratch({heads, kBlockKeys + lanes});
    totals = scratch({heads, lanes});
    largest = scratch({heads});
    shrink = scratch({heads});
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
      b.loop(bound(part), to, [&](Value key) { block(key, to); }, kBlockKeys);
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

  /// Keys [key, ...) of one block, not beyond `to`.
  void block(Value key, Value to) {
    Value count = b.mini(b.subi(to, key), b.index(kBlockKeys));
    Value last = b.subi(to, b.index(1));
    b.loop(
        b.index(0), count,
        [&](Value k) {
          b.loop(
              b.index(0), b.index(heads),
              [&](Value h) { score(key, k, h, last); }, together);
        },
        lanes / together);
    b.loop(b.index(0), b.index(heads), [&](Value h) { soften(h, count); });
    b.loop(
        b.index(0), b.index(heads),
        [&](Value h) { weigh(key, count, h, last); }, together);
  }

  /// Scores of lanes / together keys from key + k with `together` heads from h:
  /// one sum each.
  void score(Value key, Value k, Value h, Value last) {
    int64_t keys = lanes / together;
    SmallVector<Value> at;
    for (int64_t j = 0; j < keys; ++j)
      at.push_back(b.mini(b.addi(b.addi(key, k), b.index(j)), last));
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
            for (Value position : at)
              b.prefetch(op.getValueCache(), {row, kv, position, i},
                         /*locality=*/2);
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
      b.storeVector(own, scores, {b.addi(h, b.index(n)), k}, Value());
    }
  }

  /// Scores of head `h` become weights.
  void soften(Value h, Value count) {
    auto at = [&](Value k) { return SmallVector<Value>{h, k}; };
    Value none = b.broadcast(lanes, b.constant(kNoScore));
    Value blockMax = b.loop(
        b.index(0), count, none,
        [&](Value k, ValueRange old) {
          Value x = bound(b.loadVector(lanes, scores, at(k), Value()));
          Value inRange = b.tailMask(lanes, b.subi(count, k));
          x = b.select(inRange, x, none);
          b.storeVector(x, scores, at(k), Value());
          return SmallVector<Value>{larger(x, old[0])};
        },
        lanes)[0];
    Value before = b.load(largest, h);
    Value after = larger(b.reduceMax(blockMax), before);
    Value factor = b.exp2(b.sub(before, after));
    Value total =
        b.mul(b.loadVector(lanes, totals, at(b.index(0)), Value()), factor);
    total = b.loop(
        b.index(0), count, total,
        [&](Value k, ValueRange old) {
          Value x = b.loadVector(lanes, scores, at(k), Value());
          Value p = b.exp2(b.sub(x, after));
          b.storeVector(p, scores, at(k), Value());
          return SmallVector<Value>{b.add(old[0], p)};
        },
        lanes)[0];
    b.storeVector(total, totals, at(b.index(0)), Value());
    b.store(after, largest, h);
    b.store(factor, shrink, h);
  }

  /// Adds the values of a block, by their weights, for `together` heads.
  void weigh(Value key, Value count, Value h, Value last) {
    // 8 sums of 16 registers, 16 of 32, beside the values.
    int64_t most = std::max<int64_t>(1, (lanes >= 16 ? 16 : 8) / together);
    auto part = [&](Value first, int64_t begin, int64_t vectors) {
      auto element = [&](int64_t c) {
        return b.addi(first, b.index(begin + c * lanes));
      };
      SmallVector<Value> start;
      for (int64_t n = 0; n < together; ++n) {
        Value head = b.addi(h, b.index(n));
        Value factor = b.load(shrink, head);
        for (int64_t c = 0; c < vectors; ++c)
          start.push_back(b.mul(
              b.loadVector(lanes, sums, {head, element(c)}, Value()), factor));
      }
      SmallVector<Value> end =
          b.loop(b.index(0), count, start, [&](Value k, ValueRange old) {
            Value at = b.addi(key, k);
            Value next = b.mini(b.addi(at, b.index(kBlockKeys)), last);
            for (int64_t c = 0; c < vectors;
                 c += std::max<int64_t>(1, kLine / lanes))
              b.prefetch(op.getKeyCache(), {row, kv, next, element(c)},
                         /*locality=*/2);
            SmallVector<Value> values, sum;
            for (int64_t c = 0; c < vectors; ++c)
              values.push_back(b.loadVector(lanes, op.getValueCache(),
                                            {row, kv, at, element(c)},
                                            maskOf(begin + c * lanes)));
            for (int64_t n = 0; n < together; ++n) {
              Value p = b.broadcast(lanes,
                                    b.load(scores, {b.addi(h, b.index(n)), k}));
              for (int64_t c = 0; c < vectors; ++c)
                sum.push_back(b.fma(p, values[c], old[n * vectors + c]));
            }
            return sum;
          });
      for (int64_t n = 0; n < together; ++n)
        for (int64_t c = 0; c < vectors; ++c)
          b.storeVector(end[n * vectors + c], sums,
                        {b.addi(h, b.index(n)), element(c)}, Value());
    };
    int64_t step = most * lanes, whole = size / step * step;
    if (whole)
      b.loop(
          b.index(0), b.index(whole), [&](Value i) { part(i, 0, most); }, step);
    if (whole != size)
      part(b.index(0), whole, llvm::divideCeil(size - whole, lanes));
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
  // Of the unit that is emitted: batch row, group; scratch.
  Value row, kv;
  Value queries, sums, scores, totals, largest, shrink;
  // What parts found, [B, Hkv, parts, perGroup, ...]: sums; maximum and total.
  Value partSums, partStats;
};

} // namespace

void mlir::marimba::emitAttentionDecode(KernelBuilder &b, AttentionOp op,
                                        int64_t lanes, int64_t threads) {
  AttentionDecode(b, op, lanes, threads).emit();
}
