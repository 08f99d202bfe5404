//===- AttentionBlock.cpp - Grouped-query attention -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "importer/blocks/Blocks.h"
#include <cmath>

namespace mlir::marimba {

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
  double scale = s.scale ? s.scale : 1.0 / std::sqrt(double(s.headDim));
  // The factor of h, as one of what is made of it; a bias is not multiplied.
  double inputScale = s.inputScale;
  if (scope.weight("q_proj.bias"))
    h = emitScaled(scope, h, std::exchange(inputScale, 1), "input_scale");
  scale *= inputScale; // that of the queries
  auto project = [&](StringRef name, StringRef part, int64_t heads,
                     double factor) {
    Value projected = emitScaled(scope, emitAdaptedLinear(scope, h, name),
                                 factor, (part + "_scale").str());
    return splitChannels(scope, part, projected, heads, s.headDim);
  };
  Value query = project("q_proj", "query", s.heads, 1);
  Value key = project("k_proj", "key", s.keyHeads, inputScale * s.keyScale);
  Value value = project("v_proj", "value", s.keyHeads, inputScale);
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
  Value joined = joinChannels(scope, "attention", attention->getResult(0));
  return emitLinear(scope, joined, "o_proj");
}

} // namespace mlir::marimba
