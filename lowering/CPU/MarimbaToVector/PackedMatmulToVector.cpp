//===- PackedMatmulToVector.cpp - Few rows, packed weights ------*- C++ -*-===//
//
// Part of Marimba. Bound by memory: the fewer instructions a word takes, the
// more loads are under way. A word of two bf16 is one factor of vdpbf16ps.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/CPU/Builders/BlockKernel.h"
#include "lowering/CPU/MarimbaToVector/ChannelBlocks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct PackedKernel : BlockKernel {
  PackedKernel(KernelBuilder &b, PackedMatmulOp op, int64_t lanes)
      : BlockKernel(b, lanes), op(op) {}

  /// Words of a channel, with their padding.
  static int64_t wordsOf(int64_t inputs, Type packed) {
    int64_t perWord = packed.isF32() ? 1 : 2;
    return llvm::alignTo(llvm::divideCeil(inputs, perWord), 16);
  }

  SmallVector<Value> sums(const Tile &tile) override {
    bool pairs = getElementTypeOrSelf(op.getInput().getType()).isBF16();
    bool single = op.getPacked().isF32();
    int64_t inputs = cast<MemRefType>(op.getWeight().getType()).getDimSize(1);
    int64_t perWord = single ? 1 : 2, rows = tile.rows.size();
    int64_t whole = inputs / perWord;

    auto word = [&](Value index, int64_t count, ValueRange old) {
      SmallVector<Value> next(old);
      Value k = b.muli(index, b.index(perWord));
      for (int64_t v = 0; v < tile.vectors(); ++v) {
        Value bits = loadWords(tile, index, v);
        if (rows == 1)
          prefetchWords(tile, index, v);
        if (pairs) {
          for (int64_t r = 0; r < rows; ++r) {
            Value &sum = next[r * tile.vectors() + v];
            sum = dot(sum, bits, inputPair(tile.rows[r], k, count));
          }
          continue;
        }
        for (int64_t j = 0; j < count; ++j) {
          Value w = single ? bits : half(bits, j);
          for (int64_t r = 0; r < rows; ++r) {
            Value x = b.load(op.getInput(),
                             elementOf(tile.rows[r], b.addi(k, b.index(j))));
            Value &sum = next[r * tile.vectors() + v];
            sum = b.fma(x, w, sum);
          }
        }
      }
      return next;
    };
    // Four words at a time: enough for the loop to cost nothing.
    SmallVector<Value> sums(rows * tile.vectors(), b.zeros(lanes));
    int64_t unrolled = whole / 4 * 4;
    sums = b.loop(
        b.index(0), b.index(unrolled), sums,
        [&](Value first, ValueRange old) {
          SmallVector<Value> next(old);
          for (int64_t i = 0; i < 4; ++i)
            next = word(b.addi(first, b.index(i)), perWord, next);
          return next;
        },
        4);
    for (int64_t i = unrolled; i < whole; ++i)
      sums = word(b.index(i), perWord, sums);
    if (inputs % perWord)
      sums = word(b.index(whole), 1, sums);
    return sums;
  }

private:
  /// sum + the products of two pairs of bf16, in each lane.
  Value dot(Value sum, Value words, Value pair) {
    auto type = VectorType::get({2 * lanes}, b.getBF16Type());
    auto cast = [&](Value v) -> Value {
      return vector::BitCastOp::create(b, type, v);
    };
    return LLVM::CallIntrinsicOp::create(
               b, b.getLoc(), sum.getType(),
               b.getStringAttr("llvm.x86.avx512bf16.dpbf16ps." +
                               std::to_string(32 * lanes)),
               ValueRange{sum, cast(words), cast(pair)})
        .getResult(0);
  }

  /// Inputs k and k + 1, or k and 0 where `count` is 1, in each lane.
  Value inputPair(ArrayRef<Value> row, Value k, int64_t count) {
    auto word = VectorType::get({1}, b.getI32Type());
    Value pair;
    if (count == 2) {
      Value two =
          vector::LoadOp::create(b, VectorType::get({2}, b.getBF16Type()),
                                 op.getInput(), elementOf(row, k));
      pair = vector::BitCastOp::create(b, word, two);
    } else {
      Value one = memref::LoadOp::create(b, op.getInput(), elementOf(row, k));
      Value bits = arith::BitcastOp::create(b, b.getIntegerType(16), one);
      pair = vector::BroadcastOp::create(
          b, word, arith::ExtUIOp::create(b, b.getI32Type(), bits));
    }
    return vector::BroadcastOp::create(
        b, VectorType::get({lanes}, b.getI32Type()), pair);
  }

  /// The bf16 at the low (0) or high (1) end of each word, as f32.
  Value half(Value bits, int64_t which) {
    Value shifted =
        which
            ? Value(arith::AndIOp::create(b, bits, b.splat(lanes, 0xffff0000)))
            : Value(arith::ShLIOp::create(b, bits, b.splat(lanes, 16)));
    return vector::BitCastOp::create(
        b, VectorType::get({lanes}, b.getF32Type()), shifted);
  }

  PackedMatmulOp op;
};

struct PackedMatmulToVector : OpRewritePattern<PackedMatmulOp> {
  PackedMatmulToVector(MLIRContext *ctx, int64_t lanes)
      : OpRewritePattern(ctx), lanes(lanes) {}

  LogicalResult matchAndRewrite(PackedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    if (!rt::ContextOp::isAvailableAt(op))
      return rewriter.notifyMatchFailure(op, "no context at hand");
    KernelBuilder b(op.getLoc(), rewriter);
    auto weight = cast<MemRefType>(op.getWeight().getType());
    int64_t channels = weight.getDimSize(0);
    Type packed = op.getPacked();
    auto type =
        MemRefType::get({ShapedType::kDynamic,
                         PackedKernel::wordsOf(weight.getDimSize(1), packed),
                         BlockKernel::kChannels},
                        packed.isF32() ? packed : Type(b.getI32Type()));
    Value words = rt::PackedWeightsOp::create(b, type, rt::ContextOp::create(b),
                                              op.getWeight());
    PackedKernel(b, op, lanes)
        .emit({words, op.getBias(), op.getInits()[0], channels, postOpsOf(op)});
    rewriter.eraseOp(op);
    return success();
  }

  int64_t lanes;
};

} // namespace

void mlir::marimba::populatePackedMatmulToVectorPatterns(
    RewritePatternSet &patterns, int64_t lanes) {
  patterns.add<PackedMatmulToVector>(patterns.getContext(), lanes);
}
