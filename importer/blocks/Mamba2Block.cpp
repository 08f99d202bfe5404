//===- Mamba2Block.cpp - Mamba-2's mixer ------------------------*- C++ -*-===//
//
// Part of Marimba. Dao and Gu 2024: one decay for each head, a state that is a
// matrix.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "importer/blocks/Blocks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <cmath>

namespace mlir::marimba {

/// value[b,t,c] * factors[c]
static Value scaleChannels(LayerScope &scope, StringRef part, Value value,
                           Value factors) {
  OpBuilder &b = scope.builder;
  Location loc = scope.loc(part);
  auto type = cast<RankedTensorType>(value.getType());
  Value out = scope.empty(loc, type.getDimSize(2));
  AffineMap all = b.getMultiDimIdentityMap(3);
  AffineMap channel = AffineMap::get(3, 0, b.getAffineDimExpr(2));
  SmallVector<utils::IteratorType> iterators(3, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, type, ValueRange{value, factors}, out,
             ArrayRef{all, channel, all}, iterators,
             [](OpBuilder &nested, Location at, ValueRange args) {
               Value y = arith::MulFOp::create(nested, at, args[0], args[1]);
               linalg::YieldOp::create(nested, at, y);
             })
      .getResult(0);
}

/// silu(conv1d(value) + bias) over x, B and C together.
static Value emitConvolution(LayerScope &scope, const Mamba2Sizes &s,
                             Value value) {
  OpBuilder &b = scope.builder;
  Location loc = scope.loc("conv1d");
  Value out = scope.empty(loc, s.convolved());
  Value &state = scope.state("conv");
  auto conv = CausalConv1dOp::create(
      b, loc, TypeRange{out.getType(), state.getType()}, value,
      scope.weight("conv"), scope.weight("conv1d.bias"), scope.valid,
      ValueRange{out, state}, /*silu=*/UnitAttr());
  state = conv->getResult(1);
  return SiluOp::create(b, scope.loc("xBC"), conv->getResult(0));
}

/// softplus(dt + dt_bias) within the bounds of a step.
static Value emitStep(LayerScope &scope, const Mamba2Sizes &s, Value dt) {
  OpBuilder &b = scope.builder;
  FloatAttr least, most;
  if (s.minStep > 0) // softplus is not below 0
    least = b.getF64FloatAttr(s.minStep);
  if (std::isfinite(s.maxStep))
    most = b.getF64FloatAttr(s.maxStep);
  return SoftplusOp::create(b, scope.loc("delta"), dt.getType(), dt,
                            scope.weight("dt_bias"), least, most);
}

/// y [B,T,D] with the gate z, normed before or after it.
static Value emitGate(LayerScope &scope, const Mamba2Sizes &s, Value y,
                      Value z) {
  OpBuilder &b = scope.builder;
  auto norm = [&](Value value) {
    return emitNorm(scope, value, "gated_norm", s.normEpsilon, s.normGroups);
  };
  if (s.normGroups && s.normBeforeGate)
    y = norm(y);
  Value gate = SiluOp::create(b, scope.loc("gate"), z);
  Value gated = arith::MulFOp::create(b, scope.loc("gated"), y, gate);
  return s.normGroups && !s.normBeforeGate ? norm(gated) : gated;
}

Value emitMamba2Mixer(LayerScope &scope, const Mamba2Sizes &s, Value h) {
  OpBuilder &b = scope.builder;
  Value projected = emitLinear(scope, h, "in_proj");
  if (s.hasMultipliers())
    projected = scaleChannels(scope, "multiplied", projected,
                              scope.weight("multipliers"));
  Value z = sliceChannels(scope, "z", projected, 0, s.inner());
  Value xBC = emitConvolution(
      scope, s,
      sliceChannels(scope, "conv_input", projected, s.inner(), s.convolved()));
  Value dt =
      sliceChannels(scope, "dt", projected, s.inner() + s.convolved(), s.heads);
  auto part = [&](StringRef name, int64_t begin, int64_t outer, int64_t inner) {
    return splitChannels(scope, name,
                         sliceChannels(scope, name, xBC, begin, outer * inner),
                         outer, inner);
  };
  int64_t keys = s.groups * s.state;
  Value x = part("x", 0, s.heads, s.headDim);
  Value inputMap = part("B", s.inner(), s.groups, s.state);
  Value outputMap = part("C", s.inner() + keys, s.groups, s.state);

  // Written apart, as the paper has it: --fuse-discretize-linear-attention puts
  // the two together.
  auto discrete = DiscretizeHeadsOp::create(
      b, scope.loc("discretize"),
      TypeRange{scope.activation(s.heads),
                scope.activation({s.heads, s.headDim})},
      emitStep(scope, s, dt), scope.weight("A"), x);
  Location loc = scope.loc("linear_attention");
  Value out = scope.empty(loc, {s.heads, s.headDim});
  Value &state = scope.state("ssm");
  auto attention = LinearAttentionOp::create(
      b, loc, TypeRange{out.getType(), state.getType()}, discrete.getValues(),
      outputMap, inputMap, discrete.getLogDecay(), /*step=*/Value(),
      /*beta=*/Value(), scope.weight("D"), x, scope.valid,
      ValueRange{out, state}, b.getF64FloatAttr(1.0),
      /*delta_rule=*/UnitAttr());
  state = attention->getResult(1);
  Value y = joinChannels(scope, "y", attention->getResult(0));
  return emitLinear(scope, emitGate(scope, s, y, z), "out_proj");
}

} // namespace mlir::marimba
