//===- EmbeddingToVector.cpp - Rows of a quantised table --------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/Quantized/QuantizedToVector.h"

#include "lowering/CPU/Builders/EmitterPattern.h"
#include "lowering/Common/Builders/QuantizedParts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::marimba;

namespace {

/// Tokens in parallel; of each its channel of the table, step by step. A word
/// is loaded once for all its codes, a scale once for its group.
class EmbeddingKernel {
public:
  EmbeddingKernel(KernelBuilder &b, QuantizedEmbeddingOp op, int64_t)
      : b(b), op(op), parts(b, op.getWeight(), op.getStoredType(), Value()) {}

  void emit() {
    Value output = op.getInits()[0];
    SmallVector<Value> counts;
    int64_t rank = cast<MemRefType>(output.getType()).getRank();
    for (int64_t d = 0; d + 1 < rank; ++d)
      counts.push_back(b.dim(output, d));
    const formats::Layout &layout = parts.layout;
    b.parallel(counts, [&](ValueRange token) {
      row.assign(token.begin(), token.end());
      Value id = b.loadIndex(op.getIds(), token);
      Value channels = b.index(formats::Layout::kChannels);
      block = arith::DivUIOp::create(b, id, channels);
      lane = arith::RemUIOp::create(b, id, channels);
      int64_t whole = layout.inputs / layout.group;
      b.loop(b.index(0), b.index(whole),
             [&](Value g) { group(g, layout.group); });
      if (int64_t rest = layout.inputs % layout.group)
        group(b.index(whole), rest);
    });
  }

private:
  /// The first `inputs` values of a group.
  void group(Value index, int64_t inputs) {
    int64_t perStep = parts.step();
    Value scale = parts.loadScales(1, block, index, lane);
    Value minimum = parts.loadMinimums(1, block, index, lane);
    Value zero = parts.zeroPoints(1, block, index, lane);
    Value first = b.muli(index, b.index(parts.layout.group / perStep));
    Value last = b.addi(first, b.index(inputs / perStep));
    auto step = [&](Value s, int64_t codes) {
      QuantizedParts::Step bits = parts.loadStep(1, block, s, lane);
      Value k = b.muli(s, b.index(perStep));
      for (int64_t j = 0; j < codes; ++j) {
        Value value = b.mul(parts.unpack(bits, j, zero), scale);
        if (minimum)
          value = b.add(value, minimum);
        b.storeVector(value, op.getInits()[0],
                      elementOf(row, b.addi(k, b.index(j))), Value());
      }
    };
    b.loop(first, last, [&](Value w) { step(w, perStep); });
    if (int64_t rest = inputs % perStep)
      step(last, rest);
  }

  KernelBuilder &b;
  QuantizedEmbeddingOp op;
  QuantizedParts parts;
  /// Of the token at hand: where it stands, and its channel.
  SmallVector<Value> row;
  Value block, lane;
};

} // namespace

void mlir::marimba::populateQuantizedEmbeddingToVectorPatterns(
    RewritePatternSet &patterns, int64_t lanes) {
  patterns.add<EmitterPattern<QuantizedEmbeddingOp, EmbeddingKernel>>(
      patterns.getContext(), lanes);
}
