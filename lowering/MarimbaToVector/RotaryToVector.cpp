//===- RotaryToVector.cpp - Rotary embedding in lanes -----------*- C++ -*-===//
//
// Part of Marimba. Pairs of a head's elements are in the lanes: both halves of
// the rotated part are contiguous. The frequencies are constants of the code.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/MarimbaToVector/ChannelBlocks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// What both emitters have.
template <typename OpTy> struct RotaryEmitter {
  RotaryEmitter(KernelBuilder &b, OpTy op, int64_t lanes)
      : b(b), op(op), lanes(lanes) {}

  /// Mask of the vector at `i` of `count` elements; null where it is whole.
  Value maskOf(int64_t i, int64_t count) const {
    return i + lanes > count ? b.tailMask(lanes, b.index(count - i)) : Value();
  }

  KernelBuilder &b;
  OpTy op;
  int64_t lanes;
};

struct RotaryTableEmitter : RotaryEmitter<RotaryTableOp> {
  using RotaryEmitter::RotaryEmitter;

  void emit() {
    ArrayRef<float> frequencies = op.getFrequencies();
    int64_t count = frequencies.size();
    auto type = VectorType::get({lanes}, b.getF32Type());
    SmallVector<std::pair<Value, Value>> blocks; // frequencies, mask
    for (int64_t i = 0; i < count; i += lanes) {
      SmallVector<float> block(
          frequencies.slice(i, std::min(lanes, count - i)));
      block.resize(lanes, 0.0f);
      Value constant = arith::ConstantOp::create(
          b, DenseElementsAttr::get(type, ArrayRef<float>(block)));
      blocks.emplace_back(constant, maskOf(i, count));
    }
    b.parallel({b.dim(op.getCos(), 0), b.dim(op.getCos(), 1)},
               [&](ValueRange at) {
                 Value past = b.loadIndex(op.getPast(), at[0]);
                 Value position = b.toFloat(b.addi(past, at[1]));
                 for (auto [i, block] : llvm::enumerate(blocks)) {
                   Value angle = b.mul(position, block.first);
                   SmallVector<Value> to{at[0], at[1], b.index(i * lanes)};
                   b.storeVector(math::CosOp::create(b, angle), op.getCos(), to,
                                 block.second);
                   b.storeVector(math::SinOp::create(b, angle), op.getSin(), to,
                                 block.second);
                 }
               });
  }
};

struct RotaryEmbeddingEmitter : RotaryEmitter<RotaryEmbeddingOp> {
  using RotaryEmitter::RotaryEmitter;

  void emit() {
    Value x = op.getInput(), y = op.getOutput();
    int64_t size = cast<MemRefType>(x.getType()).getDimSize(3);
    int64_t pairs = cast<MemRefType>(op.getCos().getType()).getDimSize(2);
    SmallVector<Value> pairMasks, restMasks;
    for (int64_t i = 0; i < pairs; i += lanes)
      pairMasks.push_back(maskOf(i, pairs));
    for (int64_t i = 2 * pairs; i < size; i += lanes)
      restMasks.push_back(maskOf(i, size));
    b.parallel({b.dim(x, 0), b.dim(x, 1)}, [&](ValueRange at) {
      Value row = at[0], t = at[1];
      SmallVector<Value> cosines, sines;
      for (auto [block, mask] : llvm::enumerate(pairMasks)) {
        SmallVector<Value> from{row, t, b.index(block * lanes)};
        cosines.push_back(b.loadVector(lanes, op.getCos(), from, mask));
        sines.push_back(b.loadVector(lanes, op.getSin(), from, mask));
      }
      b.loop(b.index(0), b.dim(x, 2), [&](Value head) {
        auto element = [&](int64_t i) {
          return SmallVector<Value>{row, t, head, b.index(i)};
        };
        for (auto [block, mask] : llvm::enumerate(pairMasks)) {
          int64_t first = block * lanes, second = first + pairs;
          Value u = b.loadVector(lanes, x, element(first), mask);
          Value v = b.loadVector(lanes, x, element(second), mask);
          Value c = cosines[block], s = sines[block];
          b.storeVector(b.fma(u, c, b.neg(b.mul(v, s))), y, element(first),
                        mask);
          b.storeVector(b.fma(v, c, b.mul(u, s)), y, element(second), mask);
        }
        for (auto [block, mask] : llvm::enumerate(restMasks)) {
          int64_t i = 2 * pairs + block * lanes;
          b.storeVector(b.loadVector(lanes, x, element(i), mask), y, element(i),
                        mask);
        }
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
