//===- IntegerKernel.cpp - Quantised weights times bytes --------*- C++ -*-===//
//
// Part of Marimba. A word of four codes of each channel times four activations,
// which all channels share, by one vpdpbusd: the layout of the weights is made
// for it. Its first factor is unsigned, so signed weights get an offset of 128;
// what codes are too large by is taken off each group through its sum of
// activations.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Quantized/QuantizedKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::marimba;

/// Groups ahead of the one in use whose scales are asked for (docs/results.md).
static constexpr int64_t kGroupsAhead = 4;
/// Words of a group whose products are unrolled in the code: 128 inputs
/// in 8 bits, the largest group of weights.
static constexpr int64_t kWordsAtOnce = 32;

/// sum + the products of four unsigned and four signed bytes, in each lane.
static Value dot(KernelBuilder &b, Value sum, Value bytes, Value activations) {
  auto type = cast<VectorType>(sum.getType());
  auto asBytes = VectorType::get({type.getNumElements() * 4}, b.getI8Type());
  auto cast = [&](Value v) -> Value {
    return vector::BitCastOp::create(b, asBytes, v);
  };
  int64_t bits = type.getNumElements() * 32;
  return LLVM::CallIntrinsicOp::create(
             b, b.getLoc(), Type(type),
             b.getStringAttr("llvm.x86.avx512.vpdpbusd." +
                             std::to_string(bits)),
             ValueRange{sum, cast(bytes), cast(activations)})
      .getResult(0);
}

SmallVector<Value> IntegerKernel::sums(const Tile &tile) {
  const formats::Layout &layout = parts.layout;
  int64_t rows = tile.rows.size(), vectors = tile.vectors();
  int64_t groups = cast<MemRefType>(op.getScales().getType()).getShape().back();
  int64_t size = layout.depth / groups; // inputs of a group of activations
  int64_t words = size / layout.encoding.codesPerWord();
  auto f32 = VectorType::get({lanes}, b.getF32Type());

  // Four activations from input k on, in each lane.
  auto activations = [&](int64_t row, Value k) -> Value {
    auto four = VectorType::get({4}, b.getI8Type());
    Value bytes = vector::LoadOp::create(b, four, op.getInput(),
                                         elementOf(tile.rows[row], k));
    Value word = vector::BitCastOp::create(
        b, VectorType::get({1}, b.getI32Type()), bytes);
    return vector::BroadcastOp::create(
        b, VectorType::get({lanes}, b.getI32Type()), word);
  };
  // One word of all channels and rows, into one of two chains for each sum:
  // vpdpbusd takes a few cycles.
  auto add = [&](Value word, bool second, MutableArrayRef<Value> even,
                 MutableArrayRef<Value> odd) {
    Value k = b.muli(word, b.index(layout.encoding.codesPerWord()));
    SmallVector<Value> low, high; // of the activations
    for (int64_t r = 0; r < rows; ++r) {
      low.push_back(activations(r, k));
      if (layout.encoding.bits == 4)
        high.push_back(activations(r, b.addi(k, b.index(4))));
    }
    for (int64_t v = 0; v < vectors; ++v) {
      Value bits = loadWords(tile, word, v);
      if (rows == 1)
        prefetchWords(tile, word, v);
      if (layout.encoding.bits == 8) {
        Value unsignedBytes =
            arith::XOrIOp::create(b, bits, b.splat(lanes, 0x80808080));
        for (int64_t r = 0; r < rows; ++r) {
          Value &sum = (second ? odd : even)[r * vectors + v];
          sum = dot(b, sum, unsignedBytes, low[r]);
        }
        continue;
      }
      Value mask = b.splat(lanes, 0x0f0f0f0f);
      Value lower = arith::AndIOp::create(b, bits, mask);
      Value upper = arith::AndIOp::create(
          b, arith::ShRUIOp::create(b, bits, b.splat(lanes, 4)), mask);
      for (int64_t r = 0; r < rows; ++r) {
        Value &first = even[r * vectors + v], &other = odd[r * vectors + v];
        first = dot(b, first, lower, low[r]);
        other = dot(b, other, upper, high[r]);
      }
    }
  };
  // A group's integers: all words side by side, of a large group two at a time.
  auto integers = [&](Value group) {
    SmallVector<Value> sums(2 * rows * vectors, b.splat(lanes, 0));
    Value first = b.muli(group, b.index(words));
    auto some = [&](Value begin, int64_t count, MutableArrayRef<Value> sums) {
      auto even = sums.take_front(rows * vectors);
      for (int64_t w = 0; w < count; ++w)
        add(b.addi(begin, b.index(w)), w % 2, even,
            sums.drop_front(even.size()));
    };
    if (words <= kWordsAtOnce)
      some(first, words, sums);
    else
      sums = b.loop(
          first, b.addi(first, b.index(words)), sums,
          [&](Value word, ValueRange old) {
            SmallVector<Value> next(old);
            some(word, 2, next);
            return next;
          },
          2);
    SmallVector<Value> total;
    for (int64_t i = 0; i < rows * vectors; ++i)
      total.push_back(
          arith::AddIOp::create(b, sums[i], sums[rows * vectors + i]));
    return total;
  };
  // Groups of activations [first, last), with the same scales of weights.
  // Behind the products are the rows' sums of activations where minimums are
  // times them.
  auto inGroup = [&](Value first, Value last, ArrayRef<Value> zeros,
                     ValueRange old) {
    return b.loop(first, last, old, [&](Value g, ValueRange before) {
      SmallVector<Value> total = integers(g), next, inputs;
      for (int64_t r = 0; r < rows; ++r) {
        Value scale = b.load(op.getScales(), elementOf(tile.rows[r], g));
        Value rowSum = b.load(op.getSums(), elementOf(tile.rows[r], g));
        if (parts.minimums)
          inputs.push_back(b.add(before[rows * vectors + r], rowSum));
        for (int64_t v = 0; v < vectors; ++v) {
          Value exact = arith::SIToFPOp::create(b, f32, total[r * vectors + v]);
          Value sum = b.fma(exact, scale, before[r * vectors + v]);
          next.push_back(zeros[v] ? b.sub(sum, b.mul(zeros[v], rowSum)) : sum);
        }
      }
      next.append(inputs);
      return next;
    });
  };
  SmallVector<Value> none(rows * vectors, b.zeros(lanes));
  SmallVector<Value> start(none);
  if (parts.minimums)
    start.append(rows, b.constant(0.0));
  Value perGroup = b.index(groups / layout.groups);
  return b.loop(
      b.index(0), b.index(layout.groups), none, [&](Value g, ValueRange old) {
        SmallVector<Value> zeros;
        for (int64_t v = 0; v < vectors; ++v) {
          Value zero = zeroPoints(tile, g, v);
          // Codes of 8 bits have an offset of 128, those of 4 are as they are.
          bool hasOffset = layout.encoding.isSigned();
          zeros.push_back(hasOffset ? b.constant(128.0) : zero);
        }
        if (rows == 1)
          for (int64_t v = 0; v < vectors; ++v)
            b.prefetch(parts.scales,
                       {blockOf(tile, v), b.addi(g, b.index(kGroupsAhead)),
                        laneOf(tile, v)},
                       /*locality=*/3);
        Value first = b.muli(g, perGroup);
        SmallVector<Value> part =
            inGroup(first, b.addi(first, perGroup), zeros, start);
        return addGroup(tile, g, part, old);
      });
}
