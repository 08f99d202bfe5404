//===- QuantizedToLoops.cpp - The definitions, written out ------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/Common/Builders/Codes.h"
#include "lowering/Common/Builders/PostOps.h"
#include "lowering/Common/Builders/QuantizedParts.h"
#include "lowering/Common/MarimbaToLoops/MarimbaToLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Runs `body` for every row of a memref whose last dimension is not one.
void overRows(KernelBuilder &b, Value memref,
              llvm::function_ref<void(ArrayRef<Value>)> body) {
  int64_t rank = cast<MemRefType>(memref.getType()).getRank();
  SmallVector<Value> at;
  auto nest = [&](auto &self, int64_t d) -> void {
    if (d + 1 == rank)
      return body(at);
    b.loop(b.index(0), b.dim(memref, d), [&](Value i) {
      at.push_back(i);
      self(self, d + 1);
      at.pop_back();
    });
  };
  nest(nest, 0);
}

struct LowerQuantizeRows : BufferPattern<QuantizeRowsOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, QuantizeRowsOp op) const override {
    Value x = op.getInput(), codes = op.getCodes();
    Value inputs = b.dim(x, cast<MemRefType>(x.getType()).getRank() - 1);
    ArrayRef<int64_t> scaleShape =
        cast<MemRefType>(op.getScales().getType()).getShape();
    int64_t padded = cast<MemRefType>(codes.getType()).getShape().back();
    int64_t size = padded / scaleShape.back();
    Value zero = b.constant(0.0);
    overRows(b, x, [&](ArrayRef<Value> row) {
      b.loop(b.index(0), b.index(scaleShape.back()), [&](Value g) {
        Value begin = b.muli(g, b.index(size));
        Value end = b.mini(b.addi(begin, b.index(size)), inputs);
        Value most = b.loop(begin, end, zero, [&](Value k, ValueRange old) {
          Value value = b.load(x, elementOf(row, k));
          return SmallVector<Value>{
              b.max(old[0], math::AbsFOp::create(b, value))};
        })[0];
        CodeScale by = codeScaleFor(b, most);
        Value c0 = arith::ConstantIntOp::create(b, 0, 32);
        Value sum = b.loop(
            begin, b.addi(begin, b.index(size)), c0,
            [&](Value k, ValueRange old) {
              Value value = b.ifElse(
                  b.cmpi(/*lessThan=*/true, k, inputs),
                  [&] { return b.load(x, elementOf(row, k)); },
                  [&] { return zero; });
              Value code = wideCodeOf(b, value, by.inverse), stored = code;
              if (op.getOffset())
                stored = arith::AddIOp::create(
                    b, code, arith::ConstantIntOp::create(b, 128, 32));
              b.store(arith::TruncIOp::create(b, b.getI8Type(), stored), codes,
                      elementOf(row, k));
              return SmallVector<Value>{arith::AddIOp::create(b, old[0], code)};
            })[0];
        b.store(by.scale, op.getScales(), elementOf(row, g));
        Value total = arith::SIToFPOp::create(b, b.getF32Type(), sum);
        b.store(b.mul(total, by.scale), op.getSums(), elementOf(row, g));
      });
    });
  }
};

struct LowerChannelTerms : BufferPattern<ChannelTermsOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, ChannelTermsOp op) const override {
    QuantizedParts parts(b, op.getWeight(), op.getStoredType(), op.getMatrix());
    constexpr int64_t channels = formats::Layout::kChannels;
    Value zero = arith::ConstantIntOp::create(b, 0, 32);
    b.parallel({b.index(parts.layout.channels)}, [&](ValueRange at) {
      Value block = arith::DivUIOp::create(b, at[0], b.index(channels));
      Value lane = arith::RemUIOp::create(b, at[0], b.index(channels));
      b.store(b.load(parts.scales, {block, b.index(0), lane}), op.getScales(),
              at[0]);
      Value sum =
          b.loop(b.index(0), b.index(parts.layout.words()), zero,
                 [&](Value w, ValueRange old) {
                   Value word = memref::LoadOp::create(
                       b, parts.words, ValueRange{block, w, lane});
                   return SmallVector<Value>{parts.addBytes(word, old[0])};
                 })[0];
      b.store(sum, op.getSums(), at[0]);
    });
  }
};

struct LowerQuantizedMatmul : BufferPattern<QuantizedMatmulOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, QuantizedMatmulOp op) const override {
    QuantizedParts parts(b, op.getWeight(), op.getStoredType(), op.getMatrix());
    Value x = op.getInput(), y = op.getInits()[0];
    SmallVector<PostOp> postOps = postOpsOf(op);
    int64_t groupSize = 0;
    if (op.getScales())
      groupSize = parts.layout.depth /
                  cast<MemRefType>(op.getScales().getType()).getShape().back();
    auto input = [&](ArrayRef<Value> row, Value k) -> Value {
      if (!op.getScales())
        return b.load(x, elementOf(row, k));
      Value code = memref::LoadOp::create(b, x, elementOf(row, k));
      Value group = arith::DivUIOp::create(b, k, b.index(groupSize));
      return b.mul(arith::SIToFPOp::create(b, b.getF32Type(), code),
                   b.load(op.getScales(), elementOf(row, group)));
    };
    overRows(b, y, [&](ArrayRef<Value> row) {
      b.loop(b.index(0), b.index(parts.layout.channels), [&](Value n) {
        Value start = op.getBias() ? b.load(op.getBias(), n) : b.constant(0.0);
        Value sum = b.loop(b.index(0), b.index(parts.layout.inputs), start,
                           [&](Value k, ValueRange old) {
                             Value product =
                                 b.mul(input(row, k), parts.element(n, k));
                             return SmallVector<Value>{b.add(old[0], product)};
                           })[0];
        sum = applyPostOps(b, postOps, sum, [&](Value operand) {
          return b.load(operand ? operand : y, elementOf(row, n));
        });
        b.store(sum, y, elementOf(row, n));
      });
    });
  }
};

struct LowerDequantize : BufferPattern<DequantizeOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, DequantizeOp op) const override {
    QuantizedParts parts(b, op.getWeight(), op.getStoredType(), op.getMatrix());
    Value output = op.getInits()[0];
    Type element = cast<MemRefType>(output.getType()).getElementType();
    b.loop(b.index(0), b.dim(output, 0), [&](Value k) {
      b.loop(b.index(0), b.dim(output, 1), [&](Value i) {
        Value value = parts.element(b.addi(op.getFirst(), i), k);
        if (!element.isF32())
          value = arith::TruncFOp::create(b, element, value);
        b.store(value, output, {k, i});
      });
    });
  }
};

struct LowerQuantizedEmbedding : BufferPattern<QuantizedEmbeddingOp> {
  using BufferPattern::BufferPattern;
  void build(KernelBuilder &b, QuantizedEmbeddingOp op) const override {
    QuantizedParts parts(b, op.getWeight(), op.getStoredType(), Value());
    Value output = op.getInits()[0];
    overRows(b, output, [&](ArrayRef<Value> row) {
      Value id = b.loadIndex(op.getIds(), row);
      b.loop(b.index(0), b.index(parts.layout.inputs), [&](Value k) {
        b.store(parts.element(id, k), output, elementOf(row, k));
      });
    });
  }
};

} // namespace

void mlir::marimba::populateQuantizedToLoopsPatterns(
    RewritePatternSet &patterns) {
  patterns.add<LowerQuantizeRows, LowerChannelTerms, LowerQuantizedMatmul,
               LowerDequantize, LowerQuantizedEmbedding>(patterns.getContext());
}
