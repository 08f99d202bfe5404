//===- LightningBlock.cpp - Lightning attention -----------------*- C++ -*-===//
//
// Part of Marimba. Qin et al. 2024: linear attention with one constant decay
// for each head; with the gate and norm of MiniMax-01 (MiniMax 2025).
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "importer/blocks/LightningWeights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace mlir::marimba {

Value emitLightningMixer(LayerScope &scope, const LightningSizes &s, Value h) {
  OpBuilder &b = scope.builder;
  Value projected = emitLinear(scope, h, "qkv_proj");
  Value active = SiluOp::create(b, scope.loc("qkv"), projected);
  Value qkv = splitChannels(scope, "heads", active, s.heads, 3 * s.headDim);
  Value queries = sliceHeads(scope, "query", qkv, 0, s.headDim);
  Value keys = sliceHeads(scope, "key", qkv, s.headDim, s.headDim);
  Value values = sliceHeads(scope, "value", qkv, 2 * s.headDim, s.headDim);

  Location loc = scope.loc("linear_attention");
  Value out = scope.empty(loc, {s.heads, s.headDim});
  Value &state = scope.state("ssm");
  auto attention = LinearAttentionOp::create(
      b, loc, TypeRange{out.getType(), state.getType()}, values, queries, keys,
      scope.weight("decay"), /*step=*/Value(), /*beta=*/Value(), /*D=*/Value(),
      /*x=*/Value(), scope.valid, ValueRange{out, state},
      b.getF64FloatAttr(1.0), /*delta_rule=*/UnitAttr());
  state = attention->getResult(1);
  Value y = joinChannels(scope, "y", attention->getResult(0));

  y = emitNorm(scope, y, "norm", s.normEpsilon);
  Value gate = SigmoidOp::create(b, scope.loc("gate"),
                                 emitLinear(scope, h, "output_gate"));
  Value gated = arith::MulFOp::create(b, scope.loc("gated"), y, gate);
  return emitLinear(scope, gated, "out_proj");
}

/// -s of head j in layer i, where s = 2^(-8 (j+1) / heads) (1 - i / (layers - 1
/// + 1e-5) + 1e-5).
static Value emitDecay(OpBuilder &b, Location loc, Value head, int64_t heads,
                       double factor) {
  auto constant = [&](double value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(float(value)));
  };
  Value number = arith::SIToFPOp::create(
      b, loc, b.getF32Type(),
      arith::IndexCastOp::create(b, loc, b.getI32Type(), head));
  Value next = arith::AddFOp::create(b, loc, number, constant(1));
  Value exponent =
      arith::MulFOp::create(b, loc, next, constant(-8.0 / double(heads)));
  Value power = math::Exp2Op::create(b, loc, exponent);
  return arith::MulFOp::create(b, loc, power, constant(-factor));
}

/// The log-decay of layer `index`, which @prepare writes.
static Preparation prepareDecay(Weight decay, int64_t heads, int64_t index,
                                int64_t layers) {
  double factor = 1 - double(index) / (double(layers) - 1 + 1e-5) + 1e-5;
  Preparation preparation;
  // Each layer has its own.
  preparation.function = ("prepare_lightning_" + Twine(index)).str();
  preparation.outputs = {std::move(decay)};
  preparation.emit = [heads, factor](OpBuilder &b, Location loc, ValueRange,
                                     ValueRange outputs) {
    SmallVector<utils::IteratorType> iterators{utils::IteratorType::parallel};
    auto written = linalg::GenericOp::create(
        b, loc, outputs.getTypes(), ValueRange(), outputs,
        ArrayRef{b.getMultiDimIdentityMap(1)}, iterators,
        [&](OpBuilder &nested, Location at, ValueRange) {
          Value head = linalg::IndexOp::create(nested, at, 0);
          linalg::YieldOp::create(nested, at,
                                  emitDecay(nested, at, head, heads, factor));
        });
    return SmallVector<Value>{written.getResult(0)};
  };
  return preparation;
}

void addLightningMixer(LayerPlan &layer, WeightTable &weights,
                       const LightningSizes &s, Dim hidden, int64_t index,
                       int64_t layers) {
  Dim inner{s.heads * s.headDim, "num_attention_heads"};
  Dim three{3 * inner.size, inner.field};
  auto add = [&](StringRef name, ArrayRef<Dim> shape) {
    takeTensor(layer, weights, "self_attn.", name, shape);
  };
  add("qkv_proj", {three, hidden});
  add("output_gate", {inner, hidden});
  add("norm", inner);
  add("out_proj", {hidden, inner});
  Weight decay = weights.derive(layer.prefix + ".self_attn.decay", s.heads);
  layer.add("decay", decay);
  layer.preparation = prepareDecay(std::move(decay), s.heads, index, layers);

  int64_t any = ShapedType::kDynamic;
  Type f32 = Float32Type::get(layer.weights.back().weight.type.getContext());
  layer.states.push_back(
      {"ssm",
       RankedTensorType::get({any, s.heads, s.headDim, s.headDim}, f32)});
}

} // namespace mlir::marimba
