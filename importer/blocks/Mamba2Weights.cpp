//===- Mamba2Weights.cpp - A Mamba-2 mixer's tensors ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/Mamba2Weights.h"
#include "importer/gguf/GgufKeys.h"

namespace mlir::marimba {

void readMamba2Sizes(Config &c, Mamba2Mixer &mixer, int64_t groups,
                     int64_t state) {
  Mamba2Sizes &s = mixer.sizes;
  s.groups = c.getPositive(mixer.fields.groups, groups, kMaxSize);
  s.state = c.getPositive(mixer.fields.state, state, kMaxState);
  s.window = c.getPositive(mixer.fields.window, 4, kMaxWindow);
  if (s.heads % s.groups != 0)
    c.error(mixer.fields.groups,
            "a divisor of " + mixer.fields.heads + " (" + Twine(s.heads) + ")");
}

void readStepLimit(Config &c, Mamba2Sizes &sizes, StringRef field) {
  std::tie(sizes.minStep, sizes.maxStep) =
      c.getBounds(field, {sizes.minStep, sizes.maxStep});
}

/// A_log, or A, and conv1d.weight are read by @prepare only: the layer sees
/// what is derived from them.
static void addPreparation(LayerPlan &layer, WeightTable &weights,
                           StringRef module, const Mamba2Mixer &mixer) {
  const Mamba2Sizes &s = mixer.sizes;
  std::string convolvedFields = mixer.fields.convolved();
  Dim heads{s.heads, mixer.fields.heads}, window{s.window, mixer.fields.window};
  Dim convolved{s.convolved(), convolvedFields};
  std::string base = (layer.prefix + "." + module + ".").str();
  std::string disk = (layer.location + "." + module + ".").str();
  Preparation preparation;
  preparation.function = "prepare_mamba2";
  bool holdsA = weights.holdsA();
  StringRef a = holdsA ? "A" : "A_log";
  preparation.inputs = {weights.get(base + (holdsA ? "A_stored" : "A_log"),
                                    disk + a.str(), heads),
                        weights.get(base + "conv1d", disk + "conv1d.weight",
                                    {convolved, {1, ""}, window})};
  preparation.outputs = {
      weights.derive(base + "A", s.heads),
      weights.derive(base + "conv", {s.window, s.convolved()})};
  if (s.hasMultipliers())
    preparation.outputs.push_back(
        weights.derive(base + "multipliers", s.projected()));
  preparation.emit = [s, holdsA](OpBuilder &b, Location loc, ValueRange inputs,
                                 ValueRange outputs) {
    return emitMamba2Preparation(b, loc, s, inputs, outputs, holdsA);
  };
  StringRef names[] = {"A", "conv", "multipliers"};
  for (auto [weight, name] : llvm::zip_first(preparation.outputs, names))
    layer.add(name, weight);
  layer.preparation = std::move(preparation);
}

void addMamba2Mixer(LayerPlan &layer, WeightTable &weights, StringRef module,
                    const Mamba2Mixer &mixer, Dim hidden) {
  const Mamba2Sizes &s = mixer.sizes;
  const Mamba2Fields &fields = mixer.fields;
  std::string innerFields = fields.inner();
  std::string convolvedFields = fields.convolved();
  std::string projectedFields = fields.projected();
  Dim heads{s.heads, fields.heads}, inner{s.inner(), innerFields};
  Dim convolved{s.convolved(), convolvedFields};
  Dim projected{s.projected(), projectedFields};

  std::string m = (module + ".").str();
  auto add = [&](StringRef name, ArrayRef<Dim> shape,
                 StringRef suffix = ".weight") {
    takeTensor(layer, weights, m, name, shape, suffix);
  };
  add("in_proj", {projected, hidden});
  if (mixer.inBias)
    add("in_proj", projected, ".bias");
  addPreparation(layer, weights, module, mixer);
  if (mixer.convBias)
    add("conv1d", convolved, ".bias");
  add("dt_bias", heads, "");
  add("D", heads, "");
  // Layers may have a norm of that name themselves.
  if (s.normGroups)
    layer.add("gated_norm",
              weights.get(layer.prefix + "." + m + "norm",
                          layer.location + "." + m + "norm.weight", inner));
  add("out_proj", {hidden, inner});
  if (mixer.outBias)
    add("out_proj", hidden, ".bias");

  int64_t any = ShapedType::kDynamic;
  Type f32 = layer.preparation->outputs.front().type.getElementType();
  layer.states.append(
      {{"conv", RankedTensorType::get({any, s.window - 1, s.convolved()}, f32)},
       {"ssm",
        RankedTensorType::get({any, s.heads, s.state, s.headDim}, f32)}});
}

void writeGgufMamba2(GgufKeys &k, const Mamba2Fields &fields) {
  auto [least, most] = k.config.getBounds("time_step_limit", {0, HUGE_VAL});
  if (least > 0 || most != HUGE_VAL)
    k.config.error("time_step_limit", "none, as a GGUF file cannot say it");
  int64_t heads = k.size(fields.heads);
  k.integer("ssm.conv_kernel", k.size(fields.window));
  k.integer("ssm.state_size", k.size(fields.state));
  k.integer("ssm.group_count", k.size(fields.groups));
  k.integer("ssm.time_step_rank", heads);
  k.integer("ssm.inner_size", heads * k.size(fields.headDim));
}

void readGgufMamba2(GgufFields &f, const Mamba2Fields &fields,
                    StringRef expand) {
  f.copy("ssm.conv_kernel", fields.window);
  f.copy("ssm.state_size", fields.state);
  f.copy("ssm.group_count", fields.groups);
  f.copy("ssm.time_step_rank", fields.heads); // llama.cpp's name for it
  int64_t heads = f.positive("ssm.time_step_rank", 1 << 16);
  int64_t inner = f.positive("ssm.inner_size", kMaxExpand * kMaxSize);
  std::string width = f.key("ssm.inner_size");
  if (heads && inner % heads != 0)
    f.keyError(width, "a multiple of " + f.key("ssm.time_step_rank") + " (" +
                          Twine(heads) + ")");
  else if (heads)
    f.set(fields.headDim, inner / heads, width);
  if (!expand.empty())
    f.set(expand, double(inner) / double(f.hidden), width);
}

} // namespace mlir::marimba
