//===- QuantizedToVector.cpp - Quantised weights in lanes -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Quantized/QuantizedKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

struct MatmulToVector : OpRewritePattern<QuantizedMatmulOp> {
  MatmulToVector(MLIRContext *ctx, int64_t lanes, bool integerDots)
      : OpRewritePattern(ctx), lanes(lanes), integerDots(integerDots) {}

  LogicalResult matchAndRewrite(QuantizedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    if (op.getScales() && !integerDots)
      return rewriter.notifyMatchFailure(op, "no products of bytes");
    KernelBuilder b(op.getLoc(), rewriter);
    if (op.getScales())
      IntegerKernel(b, op, lanes).emit();
    else
      FloatKernel(b, op, lanes).emit();
    rewriter.eraseOp(op);
    return success();
  }

  int64_t lanes;
  bool integerDots;
};

/// Unpacks a tile, blocks of 64 channels in parallel.
struct DequantizeToVector : OpRewritePattern<DequantizeOp> {
  DequantizeToVector(MLIRContext *ctx, int64_t lanes)
      : OpRewritePattern(ctx), lanes(lanes) {}

  LogicalResult matchAndRewrite(DequantizeOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    KernelBuilder b(op.getLoc(), rewriter);
    constexpr int64_t channels = QuantizedLayout::kChannels;
    int64_t width = std::min(lanes, channels);
    QuantizedParts parts(b, op.getWeight(), op.getStoredType(), op.getMatrix());
    Value output = op.getInits()[0];
    int64_t count = cast<MemRefType>(output.getType()).getDimSize(1);
    Value firstBlock =
        arith::DivUIOp::create(b, op.getFirst(), b.index(channels));
    b.parallel({b.index(llvm::divideCeil(count, channels))},
               [&](ValueRange at) {
                 Value block = b.addi(firstBlock, at[0]);
                 Value column = b.muli(at[0], b.index(channels));
                 b.loop(
                     b.index(0), b.index(channels),
                     [&](Value lane) {
                       emitLanes(b, parts, output, width, block, lane,
                                 b.addi(column, lane), count);
                     },
                     width);
               });
    rewriter.eraseOp(op);
    return success();
  }

  /// All inputs of `width` channels from `lane` of a block on, into the columns
  /// from `column` on.
  void emitLanes(KernelBuilder &b, const QuantizedParts &parts, Value output,
                 int64_t width, Value block, Value lane, Value column,
                 int64_t count) const {
    const QuantizedLayout &layout = parts.layout;
    Type element = cast<MemRefType>(output.getType()).getElementType();
    int64_t perWord = layout.codesPerWord();
    Value mask;
    if (count % QuantizedLayout::kChannels) {
      Value left = b.maxi(b.subi(b.index(count), column), b.index(0));
      mask = b.tailMask(width, b.mini(left, b.index(width)));
    }
    auto word = [&](Value index, int64_t inputs, Value scale, Value zero) {
      Value bits =
          vector::LoadOp::create(b, VectorType::get({width}, b.getI32Type()),
                                 parts.words, ValueRange{block, index, lane});
      Value k = b.muli(index, b.index(perWord));
      for (int64_t j = 0; j < inputs; ++j) {
        Value value = b.mul(parts.unpack(bits, j, zero), scale);
        if (!element.isF32())
          value = arith::TruncFOp::create(b, VectorType::get({width}, element),
                                          value);
        b.storeVector(value, output, {b.addi(k, b.index(j)), column}, mask);
      }
    };
    auto group = [&](Value index, int64_t inputs) {
      Value scale =
          b.loadVector(width, parts.scales, {block, index, lane}, Value());
      Value zero = parts.zeroPoints(width, block, index, lane);
      Value first = b.muli(index, b.index(layout.group / perWord));
      Value last = b.addi(first, b.index(inputs / perWord));
      b.loop(first, last, [&](Value w) { word(w, perWord, scale, zero); });
      if (inputs % perWord)
        word(last, inputs % perWord, scale, zero);
    };
    int64_t whole = layout.inputs / layout.group;
    b.loop(b.index(0), b.index(whole),
           [&](Value g) { group(g, layout.group); });
    if (int64_t rest = layout.inputs % layout.group)
      group(b.index(whole), rest);
  }

  int64_t lanes;
};

/// Two passes over a group of activations: the largest, then the codes.
struct QuantizeRowsToVector : OpRewritePattern<QuantizeRowsOp> {
  QuantizeRowsToVector(MLIRContext *ctx, int64_t lanes)
      : OpRewritePattern(ctx), lanes(lanes) {}

  LogicalResult matchAndRewrite(QuantizeRowsOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    auto codes = cast<MemRefType>(op.getCodes().getType());
    auto scales = cast<MemRefType>(op.getScales().getType());
    int64_t size = codes.getShape().back() / scales.getShape().back();
    if (size % lanes)
      return rewriter.notifyMatchFailure(op, "groups are not whole vectors");
    KernelBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> rows;
    for (int64_t d = 0; d + 1 < codes.getRank(); ++d)
      rows.push_back(b.dim(op.getInput(), d));
    int64_t inputs =
        cast<MemRefType>(op.getInput().getType()).getShape().back();
    b.parallel(rows, [&](ValueRange row) {
      b.loop(b.index(0), b.index(inputs / size),
             [&](Value g) { group(b, op, row, g, size, size); });
      Value next = b.index(inputs / size);
      if (int64_t rest = inputs % size) {
        group(b, op, row, next, size, rest);
        next = b.index(inputs / size + 1);
      }
      // Groups that are padding altogether.
      b.loop(next, b.index(scales.getShape().back()),
             [&](Value g) { group(b, op, row, g, size, 0); });
    });
    rewriter.eraseOp(op);
    return success();
  }

  /// A group of `size` codes of which the first `inputs` are real.
  void group(KernelBuilder &b, QuantizeRowsOp op, ValueRange row, Value g,
             int64_t size, int64_t inputs) const {
    auto at = [&](Value last) {
      SmallVector<Value> indices(row);
      indices.push_back(last);
      return indices;
    };
    Value first = b.muli(g, b.index(size));
    auto load = [&](int64_t offset) -> Value {
      int64_t left = inputs - offset;
      if (left <= 0)
        return b.zeros(lanes);
      Value mask = left < lanes ? b.tailMask(lanes, b.index(left)) : Value();
      return b.loadVector(lanes, op.getInput(),
                          at(b.addi(first, b.index(offset))), mask);
    };
    SmallVector<Value> values;
    Value most = b.zeros(lanes);
    for (int64_t k = 0; k < size; k += lanes) {
      values.push_back(load(k));
      most = b.max(most, math::AbsFOp::create(b, values.back()));
    }
    Value zero = b.constant(0.0);
    Value scale = b.div(b.reduceMax(most), b.constant(127.0));
    Value isZero =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, scale, zero);
    Value inverse = b.select(isZero, zero, b.div(b.constant(1.0), scale));
    auto i32 = VectorType::get({lanes}, b.getI32Type());
    Value sum = arith::ConstantOp::create(b, b.getZeroAttr(i32));
    Value low = b.broadcast(lanes, b.constant(-127.0));
    Value high = b.broadcast(lanes, b.constant(127.0));
    for (auto [i, value] : llvm::enumerate(values)) {
      // NaN, of a group that is not finite, becomes -127.
      Value q = math::RoundEvenOp::create(b, b.mul(value, inverse));
      q = arith::MinNumFOp::create(b, arith::MaxNumFOp::create(b, q, low),
                                   high);
      Value code = arith::FPToSIOp::create(b, i32, q);
      sum = arith::AddIOp::create(b, sum, code);
      vector::StoreOp::create(
          b, arith::TruncIOp::create(b, i32.clone(b.getI8Type()), code),
          op.getCodes(), at(b.addi(first, b.index(i * lanes))));
    }
    Value total =
        vector::ReductionOp::create(b, vector::CombiningKind::ADD, sum);
    b.store(scale, op.getScales(), at(g));
    b.store(b.mul(arith::SIToFPOp::create(b, b.getF32Type(), total), scale),
            op.getSums(), at(g));
  }

  int64_t lanes;
};

} // namespace

void mlir::marimba::populateQuantizedToVectorPatterns(
    RewritePatternSet &patterns, int64_t lanes, bool integerDots) {
  MLIRContext *ctx = patterns.getContext();
  patterns.add<MatmulToVector>(ctx, lanes, integerDots);
  patterns.add<DequantizeToVector, QuantizeRowsToVector>(ctx, lanes);
}
