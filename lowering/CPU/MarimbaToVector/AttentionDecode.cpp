//===- AttentionDecode.cpp - Attention of one token -------------*- C++ -*-===//
//
// Part of Marimba. One token a row: memory is the limit, so each key and value
// is read once, for all query heads that share it (AttentionDecodeKernel.h).
//
// Where the groups are no multiple of the threads and the cache is long, parts
// of the keys go to different threads, and what they found is merged
// (flash-decoding: Dao, Haziza, Massa and Sizov 2023).
//
//===----------------------------------------------------------------------===//

#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/CPU/MarimbaToVector/AttentionDecodeKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <numeric>

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// What is worth a part of its own.
constexpr int64_t kLeastKeys = 256;
/// More units than that for each thread are even enough without parts.
constexpr int64_t kManyUnits = 4;

class AttentionDecode : AttentionDecodeKernel {
public:
  AttentionDecode(KernelBuilder &b, AttentionOp op, int64_t lanes,
                  int64_t threads)
      : AttentionDecodeKernel(b, op, lanes), threads(threads) {}

  void emit() {
    Value batch = b.dim(op.getQuery(), 0);
    int64_t groups = cast<MemRefType>(op.getKeyCache().getType()).getDimSize(1);
    // So many parts make the units a multiple of the threads.
    int64_t most = threads / std::gcd(threads, groups);
    if (most == 1 || !rt::ContextOp::isAvailableAt(op)) {
      b.parallel({batch, b.index(groups)}, [&](ValueRange at) {
        unit(at[0], at[1], b.index(0), b.index(1));
      });
      return;
    }
    Value context = rt::ContextOp::create(b);
    Value parts = countParts(batch, groups, most);
    Value split = b.cmpi(/*lessThan=*/true, b.index(1), parts);
    Value mark = rt::ArenaMarkOp::create(b, b.getI64Type(), context);
    Value rows = b.select(split, batch, b.index(0));
    auto memory = [&](int64_t width) {
      auto type =
          MemRefType::get({ShapedType::kDynamic, groups, most, perGroup, width},
                          b.getF32Type());
      return rt::ArenaAllocOp::create(b, type, context, rows).getResult();
    };
    partSums = memory(padded);
    partStats = memory(2);
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
  void unit(Value row, Value group, Value part, Value parts) {
    allocate();
    auto real = [&] {
      Value past = b.loadIndex(op.getPast(), row);
      Value visible = b.addi(past, b.index(1));
      Value begin = firstKey(past);
      Value seen = b.subi(visible, begin);
      auto bound = [&](Value i) {
        Value share = arith::DivUIOp::create(b, b.muli(seen, i), parts);
        return b.addi(begin, share);
      };
      Value to = bound(b.addi(part, b.index(1)));
      // The last part alone sees the new key.
      b.ifThen(b.isZero(b.subi(visible, to)),
               [&] { append(row, group, b.index(0), past); });
      attend(row, group, bound(part), to);
      finish(row, group, part, parts);
    };
    if (!op.getValid())
      return real();
    Value tokens = b.rowTokens(op.getValid(), row, b.index(1));
    b.ifThen(b.cmpi(/*lessThan=*/false, tokens, b.index(1)), real);
    b.ifThen(b.cmpi(/*lessThan=*/true, tokens, b.index(1)), [&] {
      overQueries(
          group, [&](Value, Value head) { storeZeros(row, b.index(0), head); });
    });
  }

  /// For each query head of the group, counted there and among all.
  void overQueries(Value kv, llvm::function_ref<void(Value, Value)> body) {
    b.loop(b.index(0), b.index(perGroup),
           [&](Value h) { body(h, b.addi(b.muli(kv, b.index(perGroup)), h)); });
  }

  /// Stores the output, or what `merge` makes it of.
  void finish(Value row, Value kv, Value part, Value parts) {
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
      return overQueries(kv, whole);
    Value split = b.cmpi(/*lessThan=*/true, b.index(1), parts);
    Value single = b.cmpi(/*lessThan=*/false, b.index(1), parts);
    b.ifThen(single, [&] { overQueries(kv, whole); });
    b.ifThen(split, [&] {
      overQueries(kv, [&](Value h, Value) {
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

  int64_t threads;
  // What parts found, [B, Hkv, parts, perGroup, ...]: sums; maximum and total.
  Value partSums, partStats;
};

} // namespace

void mlir::marimba::emitAttentionDecode(KernelBuilder &b, AttentionOp op,
                                        int64_t lanes, int64_t threads) {
  AttentionDecode(b, op, lanes, threads).emit();
}
