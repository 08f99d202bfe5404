//===- RotaryToVector.cpp - Rotary embedding in lanes -----------*- C++ -*-===//
//
// Part of Marimba. Pairs of a head's elements are in the lanes: both halves of
// the rotated part are contiguous. The frequencies are constants of the code.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/CPU/Builders/EmitterPattern.h"
#include "lowering/CPU/MarimbaToVector/ChannelBlocks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Vectors of a head that are unrolled; more of them are a loop.
constexpr int64_t kVectorsAtOnce = 16;

/// What both emitters have.
template <typename OpTy> struct RotaryEmitter {
  RotaryEmitter(KernelBuilder &b, OpTy op, int64_t lanes)
      : b(b), op(op), lanes(lanes) {}

  bool isLong(int64_t count) const { return count > kVectorsAtOnce * lanes; }

  /// `body(i, mask)` for each vector of elements [begin, end); the mask is null
  /// where it is whole.
  void overVectors(int64_t begin, int64_t end,
                   llvm::function_ref<void(Value, Value)> body) {
    int64_t whole = begin + (end - begin) / lanes * lanes;
    if (isLong(end - begin))
      b.loop(
          b.index(begin), b.index(whole), [&](Value i) { body(i, Value()); },
          lanes);
    else
      for (int64_t i = begin; i < whole; i += lanes)
        body(b.index(i), Value());
    if (whole < end)
      body(b.index(whole), b.tailMask(lanes, b.index(end - whole)));
  }

  KernelBuilder &b;
  OpTy op;
  int64_t lanes;
};

struct RotaryTableEmitter : RotaryEmitter<RotaryTableOp> {
  using RotaryEmitter::RotaryEmitter;

  void emit() {
    int64_t count = op.getFrequencies().size();
    SmallVector<Value> constants = frequencies();
    Value table = isLong(count) ? inMemory(constants) : Value();
    b.parallel(
        {b.dim(op.getCos(), 0), b.dim(op.getCos(), 1)}, [&](ValueRange at) {
          Value past = b.loadIndex(op.getPast(), at[0]);
          Value position = b.toFloat(b.addi(past, at[1]));
          size_t next = 0;
          overVectors(0, count, [&](Value i, Value mask) {
            Value frequency = table ? b.loadVector(lanes, table, i, Value())
                                    : constants[next++];
            Value angle = b.mul(position, frequency);
            SmallVector<Value> to{at[0], at[1], i};
            b.storeVector(math::CosOp::create(b, angle), op.getCos(), to, mask);
            b.storeVector(math::SinOp::create(b, angle), op.getSin(), to, mask);
          });
        });
  }

private:
  /// The frequencies as whole vectors.
  SmallVector<Value> frequencies() {
    SmallVector<float> all(op.getFrequencies());
    all.resize(llvm::alignTo(all.size(), lanes), 0.0f);
    auto type = VectorType::get({lanes}, b.getF32Type());
    SmallVector<Value> vectors;
    for (size_t i = 0; i < all.size(); i += lanes)
      vectors.push_back(arith::ConstantOp::create(
          b, DenseElementsAttr::get(type, ArrayRef(all).slice(i, lanes))));
    return vectors;
  }

  /// On this thread's stack, for the others, too.
  Value inMemory(ArrayRef<Value> vectors) {
    auto type =
        MemRefType::get({int64_t(vectors.size()) * lanes}, b.getF32Type());
    Value table = memref::AllocaOp::create(b, type, b.getI64IntegerAttr(64));
    for (auto [i, vector] : llvm::enumerate(vectors))
      b.storeVector(vector, table, b.index(i * lanes), Value());
    return table;
  }
};

struct RotaryEmbeddingEmitter : RotaryEmitter<RotaryEmbeddingOp> {
  using RotaryEmitter::RotaryEmitter;

  void emit() {
    Value x = op.getInput(), y = op.getOutput();
    int64_t size = cast<MemRefType>(x.getType()).getDimSize(3);
    int64_t pairs = cast<MemRefType>(op.getCos().getType()).getDimSize(2);
    b.parallel({b.dim(x, 0), b.dim(x, 1)}, [&](ValueRange at) {
      auto load = [&](Value memref, Value i, Value mask) {
        return b.loadVector(lanes, memref, {at[0], at[1], i}, mask);
      };
      // Of all heads, as far as registers go.
      SmallVector<Value> cosines, sines;
      if (!isLong(pairs))
        overVectors(0, pairs, [&](Value i, Value mask) {
          cosines.push_back(load(op.getCos(), i, mask));
          sines.push_back(load(op.getSin(), i, mask));
        });
      b.loop(b.index(0), b.dim(x, 2), [&](Value head) {
        auto element = [&](Value i) {
          return SmallVector<Value>{at[0], at[1], head, i};
        };
        size_t next = 0;
        overVectors(0, pairs, [&](Value first, Value mask) {
          Value second = b.addi(first, b.index(pairs));
          Value u = b.loadVector(lanes, x, element(first), mask);
          Value v = b.loadVector(lanes, x, element(second), mask);
          bool held = next < cosines.size();
          Value c = held ? cosines[next] : load(op.getCos(), first, mask);
          Value s = held ? sines[next] : load(op.getSin(), first, mask);
          ++next;
          b.storeVector(b.fma(u, c, b.neg(b.mul(v, s))), y, element(first),
                        mask);
          b.storeVector(b.fma(v, c, b.mul(u, s)), y, element(second), mask);
        });
        overVectors(2 * pairs, size, [&](Value i, Value mask) {
          b.storeVector(b.loadVector(lanes, x, element(i), mask), y, element(i),
                        mask);
        });
      });
    });
  }
};

} // namespace

void mlir::marimba::populateRotaryToVectorPatterns(RewritePatternSet &patterns,
                                                   int64_t lanes) {
  patterns.add<EmitterPattern<RotaryTableOp, RotaryTableEmitter>,
               EmitterPattern<RotaryEmbeddingOp, RotaryEmbeddingEmitter>>(
      patterns.getContext(), lanes);
}
