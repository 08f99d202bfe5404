//===- GroupedMatmulToVector.cpp - Rows times their experts -----*- C++ -*-===//
//
// Part of Marimba. A group of a few rows waits for its expert's weights: what
// counts is that all threads read them without a pause, from the one parallel
// loop over all experts. Larger groups read each part of a matrix once and find
// it in the second-level cache for all further rows.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/CPU/Contraction/StoredTiles.h"
#include "lowering/CPU/MarimbaToVector/ChannelBlocks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::marimba;

/// Weights of a task: a part of the second-level cache.
static constexpr int64_t kBytesOfTask = 128 << 10;
static constexpr int64_t kMostChannels = 64;

namespace {

class GroupedMatmul {
public:
  GroupedMatmul(KernelBuilder &b, GroupedMatmulOp op, const TileFacts &facts,
                bool dots)
      : b(b), op(op), tiles(b, facts, dots), threads(facts.threads),
        output(op.getInits()[0]),
        channels(cast<MemRefType>(op.getUp().getType()).getDimSize(1)) {}

  void emit();

private:
  int64_t channelsOfTask();
  Value addressesOf(Value weight);
  Value matrixOf(Value addresses, Value weight, Value expert, Value position);
  void group(Value expert, Value begin, Value end, Value channel, Value stop);
  void tile(ArrayRef<Value> pairs, Value channel);
  SmallVector<Value> activate(SmallVector<Value> up, ArrayRef<Value> gate);

  KernelBuilder &b;
  GroupedMatmulOp op;
  StoredTiles tiles;
  int64_t threads;
  Value output;
  int64_t channels;
  Value up, gate; // of the expert at hand
};

struct GroupedMatmulToVector : OpRewritePattern<GroupedMatmulOp> {
  GroupedMatmulToVector(MLIRContext *ctx, const TileFacts &facts, bool dots)
      : OpRewritePattern(ctx), facts(facts), dots(dots) {}

  LogicalResult matchAndRewrite(GroupedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    if (!rt::ContextOp::isAvailableAt(op))
      return rewriter.notifyMatchFailure(op, "no context at hand");
    if (facts.lanes < StoredTiles::kChannels)
      return rewriter.notifyMatchFailure(op, "vectors of less than 4 lanes");
    if (!areWhole(op.getUp()) || (op.getGate() && !areWhole(op.getGate())))
      return rewriter.notifyMatchFailure(op, "matrices are strided");
    if (cast<MemRefType>(op.getUp().getType()).getNumElements() == 0)
      return rewriter.notifyMatchFailure(op, "sums of nothing");
    KernelBuilder b(op.getLoc(), rewriter);
    GroupedMatmul(b, op, facts, dots).emit();
    rewriter.eraseOp(op);
    return success();
  }

  /// Whether the rows of each matrix follow each other.
  static bool areWhole(Value weight) {
    auto type = cast<MemRefType>(weight.getType());
    auto [strides, offset] = type.getStridesAndOffset();
    return strides[2] == 1 && strides[1] == type.getDimSize(2);
  }

  TileFacts facts;
  bool dots;
};

} // namespace

int64_t GroupedMatmul::channelsOfTask() {
  auto type = cast<MemRefType>(op.getUp().getType());
  int64_t bytes = type.getDimSize(2) * type.getElementTypeBitWidth() / 8 *
                  (op.getGate() ? 2 : 1);
  int64_t most = kBytesOfTask / std::max<int64_t>(bytes, 1);
  return std::clamp<int64_t>(llvm::alignDown(most, StoredTiles::kChannels),
                             StoredTiles::kChannels, kMostChannels);
}

Value GroupedMatmul::addressesOf(Value weight) {
  int64_t experts = cast<MemRefType>(weight.getType()).getDimSize(0);
  return rt::StoredMatricesOp::create(
      b, MemRefType::get({experts}, b.getI64Type()), rt::ContextOp::create(b),
      weight, op.getOrder(), op.getOffsets());
}

Value GroupedMatmul::matrixOf(Value addresses, Value weight, Value expert,
                              Value position) {
  auto type = cast<MemRefType>(weight.getType());
  return rt::ReadMatrixOp::create(
      b, MemRefType::get(type.getShape().drop_front(), type.getElementType()),
      addresses, expert, position, op.getOrder(), op.getOffsets());
}

/// Each thread has some channels of all experts: how many rows an expert has,
/// and how many of them have any, is not known here.
void GroupedMatmul::emit() {
  Value ups = addressesOf(op.getUp());
  Value gates = op.getGate() ? addressesOf(op.getGate()) : Value();
  int64_t share = llvm::alignTo(llvm::divideCeil(channels, threads),
                                StoredTiles::kChannels);
  int64_t shares = llvm::divideCeil(channels, share);
  int64_t perTask = std::min(channelsOfTask(), share);
  // No more experts than pairs have rows, and those are first in the order.
  Value most = b.mini(b.dim(op.getPairs(), 0), b.dim(op.getOrder(), 0));
  b.parallel(
      {b.index(shares), most, b.index(share)},
      [&](ValueRange at) {
        Value expert = b.loadIndex(op.getOrder(), at[1]);
        Value begin = b.loadIndex(op.getOffsets(), expert);
        Value end = b.loadIndex(op.getOffsets(), b.addi(expert, b.index(1)));
        b.ifThen(b.cmpi(/*lessThan=*/true, begin, end), [&] {
          up = matrixOf(ups, op.getUp(), expert, at[1]);
          if (gates)
            gate = matrixOf(gates, op.getGate(), expert, at[1]);
          Value first = b.muli(at[0], b.index(share));
          Value channel = b.addi(first, at[2]);
          Value last = b.mini(b.addi(first, b.index(share)), b.index(channels));
          Value stop = b.mini(b.addi(channel, b.index(perTask)), last);
          group(expert, begin, end, channel, stop);
        });
      },
      perTask);
}

/// The rows [begin, end) of the sorted pairs.
void GroupedMatmul::group(Value expert, Value begin, Value end, Value channel,
                          Value stop) {
  auto pairAt = [&](Value i) { return b.loadIndex(op.getPairs(), i); };
  auto over = [&](ArrayRef<Value> pairs) {
    b.loop(
        channel, stop, [&](Value c) { tile(pairs, c); },
        StoredTiles::kChannels);
  };
  Value last = b.subi(end, b.index(1));
  auto isLast = [&](Value i) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, i, last);
  };
  // A row that is there twice would be multiplied twice.
  Value next = b.addi(begin, b.index(1));
  b.ifThen(isLast(begin), [&] { over(pairAt(begin)); });
  b.ifThen(isLast(next), [&] { over({pairAt(begin), pairAt(next)}); });
  b.ifThen(b.cmpi(/*lessThan=*/true, next, last), [&] {
    // The last tile may have its last row several times.
    b.loop(
        begin, end,
        [&](Value first) {
          SmallVector<Value> pairs;
          for (int64_t r = 0; r < tiles.mostRows(); ++r)
            pairs.push_back(pairAt(b.mini(b.addi(first, b.index(r)), last)));
          over(pairs);
        },
        tiles.mostRows());
  });
}

void GroupedMatmul::tile(ArrayRef<Value> pairs, Value channel) {
  SmallVector<Value> rows;
  for (Value pair : pairs)
    rows.push_back(op.getTopK() == 1 ? pair
                                     : b.createOrFold<arith::DivUIOp>(
                                           pair, b.index(op.getTopK())));
  SmallVector<Value> gates;
  if (gate)
    gates = tiles.sums(op.getInput(), rows, gate, channel);
  SmallVector<Value> results =
      activate(tiles.sums(op.getInput(), rows, up, channel), gates);
  Value mask;
  if (channels % StoredTiles::kChannels)
    mask = b.maskFrom(StoredTiles::kChannels, channel, channels);
  for (auto [pair, result] : llvm::zip_equal(pairs, results))
    b.storeVector(result, output, {pair, channel}, mask);
}

/// The sums of all rows are one vector for it: silu is some twenty
/// instructions.
SmallVector<Value> GroupedMatmul::activate(SmallVector<Value> sums,
                                           ArrayRef<Value> gates) {
  if (!op.getRelu2() && gates.empty())
    return sums;
  constexpr int64_t width = StoredTiles::kChannels;
  auto joined = [&](SmallVector<Value> parts) {
    while (parts.size() > 1) {
      SmallVector<Value> pairs;
      for (size_t i = 0; i < parts.size(); i += 2) {
        int64_t lanes =
            2 * cast<VectorType>(parts[i].getType()).getNumElements();
        pairs.push_back(vector::ShuffleOp::create(
            b, parts[i], parts[i + 1],
            llvm::to_vector(llvm::seq<int64_t>(lanes))));
      }
      parts = pairs;
    }
    return parts.front();
  };
  Value all = joined(sums);
  all = op.getRelu2() ? b.relu2(all)
                      : b.mul(b.silu(joined(llvm::to_vector(gates))), all);
  if (sums.size() == 1)
    return {all};
  SmallVector<Value> results;
  for (size_t r = 0; r < sums.size(); ++r)
    results.push_back(vector::ShuffleOp::create(
        b, all, all,
        llvm::to_vector(llvm::seq<int64_t>(r * width, (r + 1) * width))));
  return results;
}

void mlir::marimba::populateGroupedMatmulToVectorPatterns(
    RewritePatternSet &patterns, const TileFacts &facts, bool dots) {
  patterns.add<GroupedMatmulToVector>(patterns.getContext(), facts, dots);
}
