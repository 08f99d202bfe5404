//===- AttentionBlock.cpp - Grouped-query attention -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "importer/blocks/Blocks.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cmath>

namespace mlir::marimba {

/// [B,T,heads*dh] as [B,T,heads,dh].
static Value splitHeads(LayerScope &scope, StringRef part, Value value,
                        int64_t heads, int64_t headDim) {
  OpBuilder &b = scope.builder;
  Location loc = scope.loc(part);
  SmallVector<ReassociationIndices> groups{{0}, {1}, {2, 3}};
  return tensor::ExpandShapeOp::create(
      b, loc, scope.activation({heads, headDim}), value, groups,
      scope.shape({heads, headDim}));
}

/// [B,T,heads,dh] turned by the positions of its tokens.
static Value rotate(LayerScope &scope, StringRef part, Value value,
                    int64_t heads, int64_t headDim) {
  Location loc = scope.loc(part);
  Value out = scope.empty(loc, {heads, headDim});
  return RotaryEmbeddingOp::create(scope.builder, loc, out.getType(), value,
                                   scope.cos, scope.sin, out)
      ->getResult(0);
}

Value emitAttention(LayerScope &scope, const AttentionSizes &s, Value h) {
  OpBuilder &b = scope.builder;
  Value query = splitHeads(scope, "query", emitLinear(scope, h, "q_proj"),
                           s.heads, s.headDim);
  Value key = splitHeads(scope, "key", emitLinear(scope, h, "k_proj"),
                         s.keyHeads, s.headDim);
  Value value = splitHeads(scope, "value", emitLinear(scope, h, "v_proj"),
                           s.keyHeads, s.headDim);
  if (s.rotary) {
    query = rotate(scope, "rotated_query", query, s.heads, s.headDim);
    key = rotate(scope, "rotated_key", key, s.keyHeads, s.headDim);
  }

  Location loc = scope.loc("attention");
  Value &keys = scope.state("key");
  Value &values = scope.state("value");
  Value out = scope.empty(loc, {s.heads, s.headDim});
  SmallVector<Value> inits{out, keys, values};
  Value &keyScales = scope.state("key_scales");
  Value &valueScales = scope.state("value_scales");
  if (keyScales)
    inits.append({keyScales, valueScales});
  double scale = 1.0 / std::sqrt(double(s.headDim));
  auto attention = AttentionOp::create(
      b, loc, ValueRange(inits).getTypes(), query, key, value, scope.past,
      scope.valid, inits, b.getF64FloatAttr(scale),
      s.window ? b.getI64IntegerAttr(s.window) : IntegerAttr(),
      /*softcap=*/FloatAttr());
  keys = attention->getResult(1);
  values = attention->getResult(2);
  if (keyScales) {
    keyScales = attention->getResult(3);
    valueScales = attention->getResult(4);
  }

  SmallVector<ReassociationIndices> groups{{0}, {1}, {2, 3}};
  Value joined = tensor::CollapseShapeOp::create(
      b, loc, scope.activation(s.heads * s.headDim), attention->getResult(0),
      groups);
  return emitLinear(scope, joined, "o_proj");
}

} // namespace mlir::marimba
