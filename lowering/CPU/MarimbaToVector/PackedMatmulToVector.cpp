//===- PackedMatmulToVector.cpp - Rows times packed weights -----*- C++ -*-===//
//
// Part of Marimba. Few rows are bound by memory: the fewer instructions a word
// takes, the more loads are under way. Many rows are tiles over the same words.
// A word of two bf16 is one factor of vdpbf16ps.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/CPU/Builders/BlockKernel.h"
#include "lowering/CPU/Contraction/Bf16DotTiles.h"
#include "lowering/CPU/Contraction/FloatTiles.h"
#include "lowering/CPU/Contraction/MatrixTiles.h"
#include "lowering/CPU/Contraction/RowViews.h"
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

Value mlir::marimba::packedCopy(KernelBuilder &b, Value weight, Type packed) {
  int64_t inputs = cast<MemRefType>(weight.getType()).getDimSize(1);
  int64_t perWord = packed.isF32() ? 1 : 2;
  int64_t words = llvm::alignTo(llvm::divideCeil(inputs, perWord), 16);
  auto type =
      MemRefType::get({ShapedType::kDynamic, words, BlockKernel::kChannels},
                      packed.isF32() ? packed : Type(b.getI32Type()));
  return rt::PackedWeightsOp::create(b, type, rt::ContextOp::create(b), weight);
}

namespace {

struct PackedKernel : BlockKernel {
  PackedKernel(KernelBuilder &b, PackedMatmulOp op, const TileFacts &facts)
      : BlockKernel(b, facts), op(op) {}

  SmallVector<Value> sums(const Tile &tile) override {
    bool pairs = getElementTypeOrSelf(op.getInput().getType()).isBF16();
    bool single = op.getPacked().isF32();
    int64_t depth = cast<MemRefType>(op.getWeight().getType()).getDimSize(1);
    int64_t perWord = single ? 1 : 2, vectors = tile.vectors();
    int64_t whole = depth / perWord;

    auto word = [&](Value index, int64_t count, ValueRange old) {
      SmallVector<Value> next(old), xs;
      Value k = b.muli(index, b.index(perWord));
      if (pairs)
        xs.push_back(broadcastPair(b, lanes, input(0), tile.row, k, count));
      for (int64_t j = 0; !pairs && j < count; ++j)
        xs.push_back(
            b.load(input(0), elementOf(tile.row, b.addi(k, b.index(j)))));
      for (int64_t v = 0; v < vectors; ++v) {
        Value bits = loadWords(tile, index, v);
        prefetchWords(tile, index, v);
        if (pairs) {
          next[v] = dotPairs(b, next[v], bits, xs[0]);
          continue;
        }
        for (auto [j, x] : llvm::enumerate(xs))
          next[v] =
              b.fma(x, single ? bits : widenHalf(b, bits, j == 1), next[v]);
      }
      return next;
    };
    // Four words at a time: enough for the loop to cost nothing.
    SmallVector<Value> sums(vectors, b.zeros(lanes));
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
    if (depth % perWord)
      sums = word(b.index(whole), 1, sums);
    return sums;
  }

private:
  PackedMatmulOp op;
};

struct PackedMatmulToVector : OpRewritePattern<PackedMatmulOp> {
  PackedMatmulToVector(MLIRContext *ctx, const TileFacts &facts)
      : OpRewritePattern(ctx), facts(facts) {}

  LogicalResult matchAndRewrite(PackedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    if (!rt::ContextOp::isAvailableAt(op))
      return rewriter.notifyMatchFailure(op, "no context at hand");
    KernelBuilder b(op.getLoc(), rewriter);
    auto weight = cast<MemRefType>(op.getWeight().getType());
    int64_t channels = weight.getDimSize(0);
    Value words = packedCopy(b, op.getWeight(), op.getPacked());
    ContractionOperands operands{words, op.getBias(), op.getInits()[0],
                                 channels, postOpsOf(op)};
    SmallVector<Value> inputs{op.getInput()};
    int64_t depth = weight.getDimSize(1);
    bool tiles = !hasOneToken(operands.output) &&
                 MatrixTiles::takes(facts, inputs.front(), depth);
    joinSequences(b, operands, inputs);
    if (tiles)
      MatrixTiles(b, facts, inputs.front()).emit(operands, depth);
    else
      oneOrMany(
          b, operands.output,
          [&] { PackedKernel(b, op, facts).emit(operands, inputs); },
          [&] { many(b, op, operands, inputs); });
    rewriter.eraseOp(op);
    return success();
  }

  void many(KernelBuilder &b, PackedMatmulOp op,
            const ContractionOperands &operands, ValueRange inputs) const {
    int64_t depth = cast<MemRefType>(op.getWeight().getType()).getDimSize(1);
    if (getElementTypeOrSelf(op.getInput().getType()).isBF16())
      return Bf16DotTiles(b, facts).emit(operands, inputs, depth);
    // Words of f32 are copied, too: those of a tile's channels are 256 bytes
    // apart and would share a quarter of the first-level cache.
    PackedProducer widen(b, facts.lanes, operands.words);
    FloatTiles(b, facts, widen).emit(operands, inputs, depth);
  }

  TileFacts facts;
};

} // namespace

void mlir::marimba::populatePackedMatmulToVectorPatterns(
    RewritePatternSet &patterns, const TileFacts &facts) {
  patterns.add<PackedMatmulToVector>(patterns.getContext(), facts);
}
