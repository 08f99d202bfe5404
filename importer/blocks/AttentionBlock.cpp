//===- AttentionBlock.cpp - Grouped-query attention -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "importer/blocks/Blocks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
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

/// `projected` [B,T,heads*dh] as heads, normed if they are.
static Value splitHeads(LayerScope &scope, const AttentionSizes &s,
                        StringRef part, Value projected, int64_t heads,
                        StringRef norm) {
  auto normed = [&](Value value) {
    return emitNorm(scope, value, norm, s.normEpsilon, /*groups=*/1,
                    s.zeroCenteredNorm);
  };
  if (s.norm == QueryKeyNorm::OfAll)
    projected = normed(projected);
  Value split = splitChannels(scope, part, projected, heads, s.headDim);
  return s.norm == QueryKeyNorm::OfHeads ? normed(split) : split;
}

Value emitAttention(LayerScope &scope, const AttentionSizes &s, Value h) {
  OpBuilder &b = scope.builder;
  double scale = s.scale ? s.scale : 1.0 / std::sqrt(double(s.headDim));
  // The factor of h, as one of what is made of it; a bias is not multiplied.
  double inputScale = s.inputScale;
  if (scope.weight("q_proj.bias"))
    h = emitScaled(scope, h, std::exchange(inputScale, 1), "input_scale");
  scale *= inputScale; // that of the queries
  auto project = [&](StringRef name, StringRef part, double factor) {
    return emitScaled(scope, emitAdaptedLinear(scope, h, name), factor,
                      (part + "_scale").str());
  };
  Value queries = project("q_proj", "query", 1), gate;
  if (s.gated) {
    Value both =
        splitChannels(scope, "query_and_gate", queries, s.heads, 2 * s.headDim);
    gate = joinChannels(scope, "gate",
                        sliceHeads(scope, "gate", both, s.headDim, s.headDim));
    queries = joinChannels(scope, "query",
                           sliceHeads(scope, "query", both, 0, s.headDim));
  }
  Value query = splitHeads(scope, s, "query", queries, s.heads, "q_norm");
  Value key = splitHeads(scope, s, "key",
                         project("k_proj", "key", inputScale * s.keyScale),
                         s.keyHeads, "k_norm");
  Value value =
      splitChannels(scope, "value", project("v_proj", "value", inputScale),
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
  auto attention = AttentionOp::create(
      b, loc, ValueRange(inits).getTypes(), query, key, value, scope.past,
      scope.valid, inits, b.getF64FloatAttr(scale),
      s.window ? b.getI64IntegerAttr(s.window) : IntegerAttr(),
      s.softcap ? b.getF64FloatAttr(s.softcap) : FloatAttr());
  keys = attention->getResult(1);
  values = attention->getResult(2);
  if (keyScales) {
    keyScales = attention->getResult(3);
    valueScales = attention->getResult(4);
  }
  Value joined = joinChannels(scope, "attention", attention->getResult(0));
  if (gate) {
    Value open = SigmoidOp::create(b, scope.loc("open"), gate);
    joined = arith::MulFOp::create(b, scope.loc("gated"), joined, open);
  }
  return emitLinear(scope, joined, "o_proj");
}

} // namespace mlir::marimba
