//===- GatedDeltaBlock.cpp - Gated delta nets -------------------*- C++ -*-===//
//
// Part of Marimba. Yang et al. 2025: linear attention that writes what its
// state does not predict yet, and forgets; Kimi 2025: by key channel.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "importer/blocks/Blocks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cmath>

namespace mlir::marimba {

/// What is added to the sums of squares of queries and keys; every family's.
static constexpr double kKeyEpsilon = 1e-6;

/// `value` [B,T,hv,n] with head g r + i of r heads for each key head g where
/// head i hk + g was, or `back`.
static Value regroup(LayerScope &scope, StringRef part, Value value,
                     const GatedDeltaSizes &s, bool back = false) {
  OpBuilder &b = scope.builder;
  Location loc = scope.loc(part);
  int64_t size = cast<RankedTensorType>(value.getType()).getDimSize(3);
  int64_t each = s.valueHeads / s.keyHeads;
  int64_t outer = back ? s.keyHeads : each, inner = back ? each : s.keyHeads;
  SmallVector<ReassociationIndices> groups{{0}, {1}, {2, 3}, {4}};
  Value apart = tensor::ExpandShapeOp::create(
      b, loc, scope.activation({outer, inner, size}), value, groups,
      scope.shape({outer, inner, size}));
  Value turned = linalg::TransposeOp::create(
                     b, loc, apart, scope.empty(loc, {inner, outer, size}),
                     ArrayRef<int64_t>{0, 1, 3, 2, 4})
                     ->getResult(0);
  return tensor::CollapseShapeOp::create(
      b, loc, scope.activation({s.valueHeads, size}), turned, groups);
}

/// [B,T,hv] as regroup() has it.
static Value regroupNumbers(LayerScope &scope, StringRef part, Value value,
                            const GatedDeltaSizes &s) {
  Value heads = splitChannels(scope, part, value, s.valueHeads, 1);
  return joinChannels(scope, part, regroup(scope, part, heads, s));
}

/// silu(conv1d(value)) over q, k and v together.
static Value emitConvolution(LayerScope &scope, const GatedDeltaSizes &s,
                             Value value) {
  OpBuilder &b = scope.builder;
  Location loc = scope.loc("conv1d");
  Value out = scope.empty(loc, s.convolved());
  Value &state = scope.state("conv");
  auto conv = CausalConv1dOp::create(
      b, loc, TypeRange{out.getType(), state.getType()}, value,
      scope.weight("conv"), /*bias=*/Value(), scope.valid,
      ValueRange{out, state}, /*silu=*/UnitAttr());
  state = conv->getResult(1);
  return SiluOp::create(b, scope.loc("qkv"), conv->getResult(0));
}

/// The log-decays [B,T,hv] or, of each key channel, [B,T,hv,dk].
static Value emitLogDecay(LayerScope &scope, const GatedDeltaSizes &s,
                          Value input) {
  OpBuilder &b = scope.builder;
  Location loc = scope.loc("log_decay");
  Value bias = scope.weight("dt_bias");
  if (s.channelDecay) {
    input = splitChannels(scope, "decay", input, s.valueHeads, s.keyDim);
    Type element = cast<RankedTensorType>(bias.getType()).getElementType();
    auto type = RankedTensorType::get({s.valueHeads, s.keyDim}, element);
    SmallVector<ReassociationIndices> both{{0, 1}};
    bias = tensor::ExpandShapeOp::create(b, loc, type, bias, both);
  }
  return LogDecayOp::create(b, loc, input.getType(), input, scope.weight("A"),
                            bias);
}

/// The output y [B,T,hv,dv], normed by head and gated by z [B,T,hv*dv].
static Value emitGate(LayerScope &scope, const GatedDeltaSizes &s, Value y,
                      Value z) {
  OpBuilder &b = scope.builder;
  Value normed =
      joinChannels(scope, "y", emitNorm(scope, y, "gated_norm", s.normEpsilon));
  Location loc = scope.loc("gate");
  Value gate = s.sigmoidGate ? SigmoidOp::create(b, loc, z).getResult()
                             : SiluOp::create(b, loc, z).getResult();
  return arith::MulFOp::create(b, scope.loc("gated"), normed, gate);
}

Value emitGatedDelta(LayerScope &scope, const GatedDeltaSizes &s,
                     const GatedDeltaInputs &inputs) {
  OpBuilder &b = scope.builder;
  Value qkv = emitConvolution(scope, s, inputs.qkv);
  auto part = [&](StringRef name, int64_t begin, int64_t heads, int64_t size) {
    return splitChannels(scope, name,
                         sliceChannels(scope, name, qkv, begin, heads * size),
                         heads, size);
  };
  Value queries = L2NormOp::create(
      b, scope.loc("query_norm"), part("query", 0, s.keyHeads, s.keyDim),
      kKeyEpsilon, 1.0 / std::sqrt(double(s.keyDim)));
  Value keys = L2NormOp::create(b, scope.loc("key_norm"),
                                part("key", s.keys(), s.keyHeads, s.keyDim),
                                kKeyEpsilon);
  Value values = part("value", 2 * s.keys(), s.valueHeads, s.valueDim);
  Value beta =
      emitScaled(scope, SigmoidOp::create(b, scope.loc("beta"), inputs.beta),
                 s.betaScale, "beta");
  Value decay = emitLogDecay(scope, s, inputs.decay);
  bool tiled = s.tiledHeads && s.keyHeads > 1 && s.valueHeads > s.keyHeads;
  if (tiled) {
    values = regroup(scope, "value", values, s);
    beta = regroupNumbers(scope, "beta", beta, s);
    decay = s.channelDecay ? regroup(scope, "log_decay", decay, s)
                           : regroupNumbers(scope, "log_decay", decay, s);
  }

  Location loc = scope.loc("linear_attention");
  Value out = scope.empty(loc, {s.valueHeads, s.valueDim});
  Value &state = scope.state("ssm");
  auto attention = LinearAttentionOp::create(
      b, loc, TypeRange{out.getType(), state.getType()}, values, queries, keys,
      decay, /*step=*/Value(), beta, /*D=*/Value(), /*x=*/Value(), scope.valid,
      ValueRange{out, state}, b.getF64FloatAttr(1.0), b.getUnitAttr());
  state = attention->getResult(1);
  Value y = attention->getResult(0);
  if (tiled)
    y = regroup(scope, "y", y, s, /*back=*/true);
  return emitLinear(scope, emitGate(scope, s, y, inputs.gate), "out_proj");
}

/// Part [begin, begin + size) of what each key head has in `heads` [B,T,hk,n],
/// of all of them one after the other.
static Value gatherPart(LayerScope &scope, StringRef part, Value heads,
                        int64_t begin, int64_t size) {
  return joinChannels(scope, part, sliceHeads(scope, part, heads, begin, size));
}

GatedDeltaInputs emitGatedDeltaProjections(LayerScope &scope,
                                           const GatedDeltaSizes &s, Value h) {
  GatedDeltaInputs inputs;
  int64_t each = s.valueHeads / s.keyHeads, values = each * s.valueDim;
  if (scope.weight("in_proj_qkvz")) {
    Value heads =
        splitChannels(scope, "qkvz", emitLinear(scope, h, "in_proj_qkvz"),
                      s.keyHeads, 2 * (s.keyDim + values));
    inputs.qkv = concatChannels(
        scope, "qkv",
        {gatherPart(scope, "query", heads, 0, s.keyDim),
         gatherPart(scope, "key", heads, s.keyDim, s.keyDim),
         gatherPart(scope, "value", heads, 2 * s.keyDim, values)});
    inputs.gate = gatherPart(scope, "z", heads, 2 * s.keyDim + values, values);
  } else {
    inputs.qkv = emitLinear(scope, h, "in_proj_qkv");
    inputs.gate = emitLinear(scope, h, "in_proj_z");
  }
  if (scope.weight("in_proj_ba")) {
    Value heads = splitChannels(scope, "ba", emitLinear(scope, h, "in_proj_ba"),
                                s.keyHeads, 2 * each);
    inputs.beta = gatherPart(scope, "b", heads, 0, each);
    inputs.decay = gatherPart(scope, "a", heads, each, each);
  } else {
    inputs.beta = emitLinear(scope, h, "in_proj_b");
    inputs.decay = emitLinear(scope, h, "in_proj_a");
  }
  return inputs;
}

} // namespace mlir::marimba
