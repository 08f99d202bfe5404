//===- MambaWeights.cpp - A Mamba mixer's tensors ---------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/MambaWeights.h"

namespace mlir::marimba {

/// A_log, or A, and conv1d.weight are read by @prepare only: the layer sees
/// what is derived from them.
static void addPreparation(LayerPlan &layer, WeightTable &weights,
                           StringRef module, const MambaMixer &mixer) {
  const MambaSizes &s = mixer.sizes;
  Dim inner{s.inner, mixer.fields.expand}, state{s.state, mixer.fields.state};
  Dim window{s.window, mixer.fields.window};
  std::string base = (layer.prefix + "." + module + ".").str();
  std::string disk = (layer.location + "." + module + ".").str();
  Preparation preparation;
  preparation.function = "prepare_mamba";
  bool holdsA = weights.holdsA();
  StringRef a = holdsA ? "A" : "A_log";
  preparation.inputs = {weights.get(base + (holdsA ? "A_stored" : "A_log"),
                                    disk + a.str(), {inner, state}),
                        weights.get(base + "conv1d", disk + "conv1d.weight",
                                    {inner, {1, ""}, window})};
  preparation.outputs = {weights.derive(base + "A", {s.state, s.inner}),
                         weights.derive(base + "conv", {s.window, s.inner})};
  preparation.emit = [holdsA](OpBuilder &b, Location loc, ValueRange inputs,
                              ValueRange outputs) {
    return emitMambaPreparation(b, loc, inputs, outputs, holdsA);
  };
  layer.add("A", preparation.outputs[0]);
  layer.add("conv", preparation.outputs[1]);
  layer.preparation = std::move(preparation);
}

void addMambaMixer(LayerPlan &layer, WeightTable &weights, StringRef module,
                   const MambaMixer &mixer, Dim hidden) {
  const MambaSizes &s = mixer.sizes;
  const MambaFields &fields = mixer.fields;
  std::string projectedFields = (fields.rank + " + 2 * " + fields.state).str();
  Dim inner{s.inner, fields.expand}, doubled{2 * s.inner, fields.expand};
  Dim state{s.state, fields.state}, rank{s.rank, fields.rank};
  Dim projected{s.rank + 2 * s.state, projectedFields};

  std::string m = (module + ".").str();
  auto add = [&](StringRef name, ArrayRef<Dim> shape,
                 StringRef suffix = ".weight") {
    takeTensor(layer, weights, m, name, shape, suffix);
  };
  add("in_proj", {doubled, hidden});
  if (mixer.projBias)
    add("in_proj", doubled, ".bias");
  addPreparation(layer, weights, module, mixer);
  if (mixer.convBias)
    add("conv1d", inner, ".bias");
  add("x_proj", {projected, inner});
  if (mixer.weightedNorms) {
    add("dt_layernorm", rank);
    add("b_layernorm", state);
    add("c_layernorm", state);
  }
  add("dt_proj", {inner, rank});
  add("dt_proj", inner, ".bias");
  add("D", inner, "");
  add("out_proj", {hidden, inner});
  if (mixer.projBias)
    add("out_proj", hidden, ".bias");

  int64_t any = ShapedType::kDynamic;
  Type f32 = layer.preparation->outputs.front().type.getElementType();
  layer.states.append(
      {{"conv", RankedTensorType::get({any, s.window - 1, s.inner}, f32)},
       {"ssm", RankedTensorType::get({any, s.state, s.inner}, f32)}});
}

void readGgufMixer(GgufFields &fields, StringRef state, StringRef window,
                   StringRef rank) {
  fields.copy("ssm.state_size", state);
  fields.copy("ssm.conv_kernel", window);
  fields.copy("ssm.time_step_rank", rank);
}

} // namespace mlir::marimba
