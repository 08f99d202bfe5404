//===- QuantizedToVector.cpp - Quantised weights in lanes -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Quantized/QuantizedToVector.h"

#include "lowering/CPU/Builders/EmitterPattern.h"
#include "lowering/CPU/Contraction/FloatTiles.h"
#include "lowering/CPU/Contraction/MatrixTiles.h"
#include "lowering/CPU/Contraction/RowViews.h"
#include "lowering/CPU/Quantized/ByteTiles.h"
#include "lowering/CPU/Quantized/IntegerTiles.h"
#include "lowering/CPU/Quantized/QuantizedKernel.h"
#include "lowering/Common/Builders/Codes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::marimba;

/// Activations of a group that are kept in registers between both passes.
static constexpr int64_t kLargestGroup = 128;

namespace {

struct MatmulToVector : OpRewritePattern<QuantizedMatmulOp> {
  MatmulToVector(MLIRContext *ctx, const TileFacts &facts, IntegerUnit unit,
                 bool byteTables)
      : OpRewritePattern(ctx), facts(facts), unit(unit),
        byteTables(byteTables) {}

  LogicalResult matchAndRewrite(QuantizedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "not on memrefs");
    if (op.getScales() && !IntegerProducts::has(unit, facts.lanes))
      return rewriter.notifyMatchFailure(op, "no products of bytes");
    KernelBuilder b(op.getLoc(), rewriter);
    if (op.getScales())
      integers(b, op);
    else
      floats(b, op);
    rewriter.eraseOp(op);
    return success();
  }

  /// Inputs that quantize_rows made.
  void integers(KernelBuilder &b, QuantizedMatmulOp op) const {
    IntegerKernel one(b, op, facts, unit);
    if (byteTables)
      one.useByteTables();
    const QuantizedParts &parts = one.matrix();
    ContractionOperands operands = IntegerKernel::operandsOf(op, parts);
    SmallVector<Value> inputs{op.getInput(), op.getScales(), op.getSums()};
    int64_t groups = cast<MemRefType>(inputs[1].getType()).getShape().back();
    bool tiles = !hasOneToken(operands.output) &&
                 ByteTiles::takes(facts, parts, inputs[0], inputs[1]);
    if (!tiles && !IntegerTiles::takesGroups(parts.layout.depth / groups))
      return one.emit(operands, inputs);
    joinSequences(b, operands, inputs);
    if (tiles)
      return ByteTiles(b, facts, parts, inputs[0], inputs[1])
          .emit(operands, parts.layout.depth);
    oneOrMany(
        b, operands.output, [&] { one.emit(operands, inputs); },
        [&] { IntegerTiles(b, facts, unit, parts).emit(operands, inputs); });
  }

  /// Inputs as they are: weights are widened, for few rows in registers.
  void floats(KernelBuilder &b, QuantizedMatmulOp op) const {
    FloatKernel one(b, op, facts);
    one.useTables(unit);
    if (byteTables)
      one.useByteTables();
    const QuantizedParts &parts = one.matrix();
    ContractionOperands operands = FloatKernel::operandsOf(op, parts);
    SmallVector<Value> inputs{op.getInput()};
    int64_t depth = parts.layout.inputs;
    bool tiles = !hasOneToken(operands.output) &&
                 MatrixTiles::takes(facts, inputs.front(), depth);
    joinSequences(b, operands, inputs);
    QuantizedProducer widen(b, facts.lanes, parts);
    if (tiles)
      return MatrixTiles(b, facts, inputs.front(), &widen)
          .emit(operands, depth);
    oneOrMany(
        b, operands.output, [&] { one.emit(operands, inputs); },
        [&] { FloatTiles(b, facts, widen).emit(operands, inputs, depth); });
  }

  TileFacts facts;
  IntegerUnit unit;
  bool byteTables;
};

/// Unpacks a tile, blocks of 64 channels in parallel.
class DequantizeKernel {
public:
  DequantizeKernel(KernelBuilder &b, DequantizeOp op, int64_t lanes)
      : b(b), op(op), width(std::min(lanes, channels)),
        parts(b, op.getWeight(), op.getStoredType(), op.getMatrix()) {}

  void emit() {
    Value firstBlock =
        arith::DivUIOp::create(b, op.getFirst(), b.index(channels));
    b.parallel(
        {b.index(llvm::divideCeil(count(), channels))}, [&](ValueRange at) {
          Value block = b.addi(firstBlock, at[0]);
          Value column = b.muli(at[0], b.index(channels));
          b.loop(
              b.index(0), b.index(channels),
              [&](Value lane) { emitLanes(block, lane, b.addi(column, lane)); },
              width);
        });
  }

private:
  static constexpr int64_t channels = formats::Layout::kChannels;

  /// All inputs of `width` channels from `lane` of a block on, into the columns
  /// from `column` on.
  void emitLanes(Value block, Value lane, Value column) {
    Value output = op.getInits()[0];
    const formats::Layout &layout = parts.layout;
    Type element = cast<MemRefType>(output.getType()).getElementType();
    int64_t perStep = parts.step();
    Value mask;
    if (count() % channels)
      mask = b.maskFrom(width, column, count());
    auto step = [&](Value index, int64_t inputs, Value scale, Value zero,
                    Value minimum) {
      QuantizedParts::Step bits = parts.loadStep(width, block, index, lane);
      Value k = b.muli(index, b.index(perStep));
      for (int64_t j = 0; j < inputs; ++j) {
        Value value = b.mul(parts.unpack(bits, j, zero), scale);
        if (minimum) // one rounding: the product is exact
          value = b.add(value, minimum);
        if (!element.isF32())
          value = arith::TruncFOp::create(b, VectorType::get({width}, element),
                                          value);
        b.storeVector(value, output, {b.addi(k, b.index(j)), column}, mask);
      }
    };
    auto group = [&](Value index, int64_t inputs) {
      Value scale = parts.loadScales(width, block, index, lane);
      Value minimum = parts.loadMinimums(width, block, index, lane);
      Value zero = parts.zeroPoints(width, block, index, lane);
      Value first = b.muli(index, b.index(layout.group / perStep));
      Value last = b.addi(first, b.index(inputs / perStep));
      b.loop(first, last,
             [&](Value w) { step(w, perStep, scale, zero, minimum); });
      if (inputs % perStep)
        step(last, inputs % perStep, scale, zero, minimum);
    };
    int64_t whole = layout.inputs / layout.group;
    b.loop(b.index(0), b.index(whole),
           [&](Value g) { group(g, layout.group); });
    if (int64_t rest = layout.inputs % layout.group)
      group(b.index(whole), rest);
  }

  /// Channels of the tile.
  int64_t count() {
    return cast<MemRefType>(op.getInits()[0].getType()).getDimSize(1);
  }

  KernelBuilder &b;
  DequantizeOp op;
  int64_t width;
  QuantizedParts parts;
};

/// Scales, and sums of codes, of 64 channels at a time.
class ChannelTermsKernel {
public:
  ChannelTermsKernel(KernelBuilder &b, ChannelTermsOp op, int64_t lanes)
      : b(b), op(op), width(std::min(lanes, channels)),
        parts(b, op.getWeight(), op.getStoredType(), op.getMatrix()) {}

  void emit() {
    const formats::Layout &layout = parts.layout;
    auto words = VectorType::get({width}, b.getI32Type());
    b.parallel({b.index(layout.blocks)}, [&](ValueRange at) {
      SmallVector<Value> sums(channels / width, b.splat(width, 0));
      sums = b.loop(b.index(0), b.index(layout.words()), sums,
                    [&](Value w, ValueRange old) {
                      SmallVector<Value> next;
                      for (auto [v, sum] : llvm::enumerate(old)) {
                        Value bytes = vector::LoadOp::create(
                            b, words, parts.words,
                            ValueRange{at[0], w, b.index(v * width)});
                        next.push_back(parts.addBytes(bytes, sum));
                      }
                      return next;
                    });
      Value first = b.muli(at[0], b.index(channels));
      for (auto [v, sum] : llvm::enumerate(sums)) {
        Value lane = b.index(v * width), channel = b.addi(first, lane);
        Value mask;
        if (layout.channels % channels)
          mask = b.maskFrom(width, channel, layout.channels);
        Value scale = b.loadVector(width, parts.scales,
                                   {at[0], b.index(0), lane}, Value());
        b.storeVector(scale, op.getScales(), channel, mask);
        b.storeVector(sum, op.getSums(), channel, mask);
      }
    });
  }

private:
  static constexpr int64_t channels = formats::Layout::kChannels;

  KernelBuilder &b;
  ChannelTermsOp op;
  int64_t width;
  QuantizedParts parts;
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
    if (size == 0 || size % lanes)
      return rewriter.notifyMatchFailure(op, "groups are not whole vectors");
    if (size > kLargestGroup)
      return wholeRows(op, rewriter, size);
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
    auto at = [&](Value last) { return elementOf(row, last); };
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
    auto [scale, inverse] = codeScaleFor(b, b.reduceMax(most));
    Value sum = b.splat(lanes, 0);
    for (auto [i, value] : llvm::enumerate(values))
      sum = arith::AddIOp::create(
          b, sum,
          storeCodes(b, op, value, inverse,
                     at(b.addi(first, b.index(i * lanes)))));
    storeTerms(b, op, scale, sum, at(g));
  }

  /// Groups that do not fit registers, one for each row: K need not be whole
  /// vectors, KP is.
  LogicalResult wholeRows(QuantizeRowsOp op, PatternRewriter &rewriter,
                          int64_t size) const {
    auto scales = cast<MemRefType>(op.getScales().getType());
    if (scales.getShape().back() != 1)
      return rewriter.notifyMatchFailure(op, "several large groups");
    KernelBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> rows;
    for (int64_t d = 0; d + 1 < scales.getRank(); ++d)
      rows.push_back(b.dim(op.getInput(), d));
    int64_t inputs =
        cast<MemRefType>(op.getInput().getType()).getShape().back();
    int64_t whole = inputs / lanes * lanes;
    b.parallel(rows, [&](ValueRange row) {
      auto at = [&](Value last) { return elementOf(row, last); };
      // The vector from k on, of which `count` inputs are real.
      auto load = [&](Value k, int64_t count) {
        Value mask =
            count < lanes ? b.tailMask(lanes, b.index(count)) : Value();
        return count ? b.loadVector(lanes, op.getInput(), at(k), mask)
                     : b.zeros(lanes);
      };
      auto larger = [&](Value most, Value value) {
        return b.max(most, math::AbsFOp::create(b, value));
      };
      Value most = b.loop(
          b.index(0), b.index(whole), b.zeros(lanes),
          [&](Value k, ValueRange old) {
            return SmallVector<Value>{larger(old[0], load(k, lanes))};
          },
          lanes)[0];
      if (inputs > whole)
        most = larger(most, load(b.index(whole), inputs - whole));
      auto [scale, inverse] = codeScaleFor(b, b.reduceMax(most));
      auto codes = [&, inverse = inverse](Value sum, Value k, int64_t count) {
        return arith::AddIOp::create(
            b, sum, storeCodes(b, op, load(k, count), inverse, at(k)));
      };
      Value sum = b.splat(lanes, 0);
      sum = b.loop(
          b.index(0), b.index(whole), sum,
          [&](Value k, ValueRange old) {
            return SmallVector<Value>{codes(old[0], k, lanes)};
          },
          lanes)[0];
      if (inputs > whole)
        sum = codes(sum, b.index(whole), inputs - whole);
      sum = b.loop(
          b.index(llvm::alignTo(inputs, lanes)), b.index(size), sum,
          [&](Value k, ValueRange old) {
            return SmallVector<Value>{codes(old[0], k, 0)};
          },
          lanes)[0];
      storeTerms(b, op, scale, sum, at(b.index(0)));
    });
    rewriter.eraseOp(op);
    return success();
  }

  /// Stores the codes of a vector; returns them as i32.
  Value storeCodes(KernelBuilder &b, QuantizeRowsOp op, Value value,
                   Value inverse, ArrayRef<Value> at) const {
    auto i32 = VectorType::get({lanes}, b.getI32Type());
    Value code = wideCodeOf(b, value, inverse), stored = code;
    if (op.getOffset())
      stored = arith::AddIOp::create(b, code, b.splat(lanes, 128));
    vector::StoreOp::create(
        b, arith::TruncIOp::create(b, i32.clone(b.getI8Type()), stored),
        op.getCodes(), at);
    return code;
  }

  static void storeTerms(KernelBuilder &b, QuantizeRowsOp op, Value scale,
                         Value sum, ArrayRef<Value> at) {
    Value total =
        vector::ReductionOp::create(b, vector::CombiningKind::ADD, sum);
    b.store(scale, op.getScales(), at);
    b.store(b.mul(arith::SIToFPOp::create(b, b.getF32Type(), total), scale),
            op.getSums(), at);
  }

  int64_t lanes;
};

} // namespace

void mlir::marimba::populateQuantizedToVectorPatterns(
    RewritePatternSet &patterns, const TileFacts &facts, IntegerUnit unit,
    bool byteTables) {
  MLIRContext *ctx = patterns.getContext();
  int64_t lanes = facts.lanes;
  patterns.add<MatmulToVector>(ctx, facts, unit, byteTables);
  patterns.add<EmitterPattern<ChannelTermsOp, ChannelTermsKernel>,
               EmitterPattern<DequantizeOp, DequantizeKernel>,
               QuantizeRowsToVector>(ctx, lanes);
}
