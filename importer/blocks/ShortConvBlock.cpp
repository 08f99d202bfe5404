//===- ShortConvBlock.cpp - The gated short convolution ---------*- C++ -*-===//
//
// Part of Marimba. LFM2's mixer (Liquid AI 2025): a causal convolution between
// two gates.
//
//===----------------------------------------------------------------------===//

#include "dialects/Marimba/IR/Marimba.h"
#include "importer/blocks/ShortConvWeights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace mlir::marimba {

Value emitShortConv(LayerScope &scope, const ShortConvSizes &s, Value h) {
  OpBuilder &b = scope.builder;
  Value projected = emitLinear(scope, h, "in_proj");
  Value before = sliceChannels(scope, "B", projected, 0, s.channels);
  Value after = sliceChannels(scope, "C", projected, s.channels, s.channels);
  Value u = sliceChannels(scope, "u", projected, 2 * s.channels, s.channels);
  Value gated = arith::MulFOp::create(b, scope.loc("Bu"), before, u);

  Location loc = scope.loc("conv");
  Value out = scope.empty(loc, s.channels);
  Value &state = scope.state("conv");
  auto conv = CausalConv1dOp::create(
      b, loc, TypeRange{out.getType(), state.getType()}, gated,
      scope.weight("conv"), scope.weight("conv.bias"), scope.valid,
      ValueRange{out, state}, /*silu=*/UnitAttr());
  state = conv->getResult(1);
  Value y = arith::MulFOp::create(b, scope.loc("y"), after, conv->getResult(0));
  return emitLinear(scope, y, "out_proj");
}

void addShortConv(LayerPlan &layer, WeightTable &weights,
                  const ShortConvSizes &s, Dim channels, StringRef windowField,
                  bool bias) {
  Dim projected{3 * channels.size, channels.field};
  auto add = [&](StringRef name, ArrayRef<Dim> shape,
                 StringRef suffix = ".weight") {
    takeTensor(layer, weights, "conv.", name, shape, suffix);
  };
  add("in_proj", {projected, channels});
  // The stored one is read by @prepare only.
  std::string base = layer.prefix + ".conv.";
  Preparation preparation;
  preparation.function = "prepare_short_conv";
  preparation.inputs = {
      weights.get(base + "conv1d", layer.location + ".conv.conv.weight",
                  {channels, {1, ""}, {s.window, windowField}})};
  preparation.outputs = {weights.derive(base + "conv", {s.window, s.channels})};
  preparation.emit = emitConvPreparation;
  layer.add("conv", preparation.outputs[0]);
  layer.preparation = std::move(preparation);
  add("out_proj", {channels, channels});
  if (bias) {
    add("in_proj", projected, ".bias");
    add("conv", channels, ".bias");
    add("out_proj", channels, ".bias");
  }

  int64_t any = ShapedType::kDynamic;
  Type f32 = layer.preparation->outputs.front().type.getElementType();
  layer.states.push_back(
      {"conv", RankedTensorType::get({any, s.window - 1, s.channels}, f32)});
}

} // namespace mlir::marimba
