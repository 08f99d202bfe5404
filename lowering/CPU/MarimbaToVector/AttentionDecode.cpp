//===- AttentionDecode.cpp - Attention of one token -------------*- C++ -*-===//
//
// Part of Marimba. One token a row: memory is the limit, so each key and value
// is read once, for all query heads that share it (AttentionDecodeKernel.h).
//
// Where a row sees many keys, they are cut into parts, which different threads
// may take, and what those found is merged in order (flash-decoding: Dao,
// Haziza, Massa and Sizov 2023). How many parts a row has follows from its own
// keys: a result depends neither on other rows nor on the threads.
//
//===----------------------------------------------------------------------===//

#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/CPU/MarimbaToVector/AttentionDecodeKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Keys of a part at most, as long as there are parts left: of the only group,
/// and of one of several. Short streams do not reach the memory's speed.
constexpr int64_t kPartKeys = 256, kPartKeysOfMany = 512;
/// Parts of all groups of a row at most. Those of a group are a power of two,
/// so that as many threads get equal shares.
constexpr int64_t kMostUnits = 64;

class AttentionDecode : AttentionDecodeKernel {
public:
  AttentionDecode(KernelBuilder &b, AttentionOp op, int64_t lanes)
      : AttentionDecodeKernel(b, op, lanes),
        groups(cast<MemRefType>(op.getKeyCache().getType()).getDimSize(1)) {}

  void emit() {
    Value batch = b.dim(op.getQuery(), 0);
    if (2 * groups > kMostUnits || !rt::ContextOp::isAvailableAt(op)) {
      b.parallel({batch, b.index(groups)}, [&](ValueRange at) {
        allocate();
        unit(at[0], at[1], b.index(0), b.index(1));
      });
      return;
    }
    Value context = rt::ContextOp::create(b);
    Value most =
        b.loop(b.index(0), batch, b.index(1), [&](Value row, ValueRange old) {
          return SmallVector<Value>{b.maxi(old[0], countParts(row))};
        })[0];
    Value split = b.cmpi(/*lessThan=*/true, b.index(1), most);
    Value mark = rt::ArenaMarkOp::create(b, b.getI64Type(), context);
    Value rows = b.select(split, batch, b.index(0));
    auto memory = [&](int64_t width) {
      auto type = MemRefType::get(
          {ShapedType::kDynamic, groups, ShapedType::kDynamic, perGroup, width},
          b.getF32Type());
      return rt::ArenaAllocOp::create(b, type, context, ValueRange{rows, most})
          .getResult();
    };
    partSums = memory(paddedValue);
    partStats = memory(2);
    b.parallel({batch, b.index(groups), most}, [&](ValueRange at) {
      allocate();
      Value parts = countParts(at[0]);
      b.ifThen(b.cmpi(/*lessThan=*/true, at[2], parts),
               [&] { unit(at[0], at[1], at[2], parts); });
    });
    b.ifThen(split, [&] {
      b.parallel({batch, b.index(groups), b.index(perGroup)},
                 [&](ValueRange at) { merge(at[0], at[1], at[2]); });
    });
    rt::ArenaReleaseOp::create(b, context, mark);
  }

private:
  /// Parts of the keys that `row` sees; 1 where it has no token.
  Value countParts(Value row) {
    Value seen = b.addi(b.loadIndex(op.getPast(), row), b.index(1));
    if (op.getWindow())
      seen = b.mini(seen, b.index(*op.getWindow()));
    if (op.getValid())
      seen = b.muli(seen, b.rowTokens(op.getValid(), row, b.index(1)));
    int64_t keys = groups > 1 ? kPartKeysOfMany : kPartKeys;
    Value full = arith::DivUIOp::create(b, seen, b.index(keys));
    Value parts = b.index(1);
    for (int64_t count = 2; count * groups <= kMostUnits; count *= 2)
      parts = b.select(b.cmpi(/*lessThan=*/true, b.index(count / 2), full),
                       b.index(count), parts);
    return parts;
  }

  /// Part `part` of what the queries of a group see.
  void unit(Value row, Value group, Value part, Value parts) {
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
      overValue([&](Value i, int64_t, Value mask) {
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
        overValue([&](Value i, int64_t, Value) {
          b.storeVector(b.loadVector(lanes, sums, {h, i}, Value()), partSums,
                        {row, kv, part, h, i}, Value());
        });
      });
    });
  }

  /// Output of query head `h` of a group from what each part found, where there
  /// are parts.
  void merge(Value row, Value kv, Value h) {
    Value parts = countParts(row);
    auto stat = [&](Value part, int64_t which) {
      return SmallVector<Value>{row, kv, part, h, b.index(which)};
    };
    b.ifThen(b.cmpi(/*lessThan=*/true, b.index(1), parts), [&] {
      Value most = b.loop(b.index(0), parts, b.constant(kNoScore),
                          [&](Value part, ValueRange old) {
                            return SmallVector<Value>{larger(
                                b.load(partStats, stat(part, 0)), old[0])};
                          })[0];
      // The maximum of a part gives way to the weight of its sums.
      Value total = b.loop(
          b.index(0), parts, b.constant(0.0), [&](Value part, ValueRange old) {
            Value own = b.load(partStats, stat(part, 0));
            Value weight = b.exp2(b.sub(own, most));
            b.store(weight, partStats, stat(part, 0));
            return SmallVector<Value>{
                b.fma(b.load(partStats, stat(part, 1)), weight, old[0])};
          })[0];
      Value head = b.addi(b.muli(kv, b.index(perGroup)), h);
      overValue([&](Value i, int64_t, Value mask) {
        Value sum = b.loop(
            b.index(0), parts, b.zeros(lanes), [&](Value part, ValueRange old) {
              Value own =
                  b.loadVector(lanes, partSums, {row, kv, part, h, i}, Value());
              return SmallVector<Value>{
                  b.fma(own, b.load(partStats, stat(part, 0)), old[0])};
            })[0];
        b.storeVector(b.div(sum, total), op.getOutput(),
                      {row, b.index(0), head, i}, mask);
      });
    });
  }

  int64_t groups; // of heads that share keys, Hkv
  // What parts found, [B, Hkv, parts, perGroup, ...]: sums; maximum and total.
  Value partSums, partStats;
};

} // namespace

void mlir::marimba::emitAttentionDecode(KernelBuilder &b, AttentionOp op,
                                        int64_t lanes) {
  AttentionDecode(b, op, lanes).emit();
}
