//===- GatedDeltaWeights.cpp - A gated delta net's tensors ------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/GatedDeltaWeights.h"

namespace mlir::marimba {

GatedDeltaSizes readGatedDelta(Config &c, const GatedDeltaSizes &defaults,
                               const GatedDeltaFields &fields) {
  constexpr int64_t mostHeads = 1 << 16;
  GatedDeltaSizes s = defaults;
  s.keyHeads = c.getPositive(fields.keyHeads, s.keyHeads, mostHeads);
  s.valueHeads = c.getPositive(fields.valueHeads, s.valueHeads, mostHeads);
  s.keyDim = c.getPositive(fields.keyDim, s.keyDim, kMaxState);
  s.valueDim = c.getPositive(fields.valueDim, s.valueDim, kMaxState);
  s.window = c.getPositive(fields.window, s.window, kMaxWindow);
  if (s.valueHeads % s.keyHeads != 0)
    c.error(fields.valueHeads, "a multiple of " + fields.keyHeads + " (" +
                                   Twine(s.keyHeads) + ")");
  return s;
}

namespace {

/// The dimensions of a mixer's tensors, with the fields that they follow from.
struct Shapes {
  Shapes(const GatedDeltaSizes &s, const GatedDeltaFields &fields)
      : keyFields((fields.keyHeads + " * " + fields.keyDim).str()),
        innerFields((fields.valueHeads + " * " + fields.valueDim).str()),
        convolvedFields("2 * " + keyFields + " + " + innerFields),
        heads{s.valueHeads, fields.valueHeads}, window{s.window, fields.window},
        valueDim{s.valueDim, fields.valueDim}, keys{s.keys(), keyFields},
        inner{s.inner(), innerFields},
        convolved{s.convolved(), convolvedFields} {}

  std::string keyFields, innerFields, convolvedFields;
  Dim heads, window, valueDim, keys, inner, convolved;
};

} // namespace

/// A_log, or A, and the convolutions' weights are read by @prepare only.
static void addPreparation(LayerPlan &layer, WeightTable &weights,
                           const GatedDeltaNames &names,
                           const GatedDeltaSizes &s, const Shapes &shapes) {
  std::string base = (layer.prefix + "." + names.module + ".").str();
  std::string disk = (layer.location + "." + names.module + ".").str();
  Preparation preparation;
  preparation.function = "prepare_gated_delta";
  bool holdsA = weights.holdsA();
  std::string decay = disk + (holdsA ? "A" : "A_log");
  SmallVector<Dim> heads{shapes.heads};
  if (auto shape = weights.shapeOf(decay); shape && shape->size() == 4)
    heads = {{1, ""}, {1, ""}, shapes.heads, {1, ""}};
  preparation.inputs = {
      weights.get(base + (holdsA ? "A_stored" : "A_log"), decay, heads)};

  SmallVector<Dim> parts{shapes.convolved};
  if (names.convolutions.size() > 1) {
    parts = {shapes.keys, shapes.keys, shapes.inner};
    Dim equal{s.convolved() / 3, shapes.convolvedFields};
    auto first =
        weights.shapeOf(disk + names.convolutions.front().str() + ".weight");
    if (s.convolved() % 3 == 0 && first && first->front() == equal.size)
      parts = {equal, equal, equal};
  }
  for (auto [name, part] : llvm::zip_equal(names.convolutions, parts))
    preparation.inputs.push_back(weights.get(base + name.str(),
                                             disk + name.str() + ".weight",
                                             {part, {1, ""}, shapes.window}));
  preparation.outputs = {
      weights.derive(base + "A", s.valueHeads),
      weights.derive(base + "conv", {s.window, s.convolved()})};
  preparation.emit = [holdsA](OpBuilder &b, Location loc, ValueRange inputs,
                              ValueRange outputs) {
    return emitGatedDeltaPreparation(b, loc, inputs, outputs, holdsA);
  };
  layer.add("A", preparation.outputs[0]);
  layer.add("conv", preparation.outputs[1]);
  layer.preparation = std::move(preparation);
}

void addGatedDelta(LayerPlan &layer, WeightTable &weights,
                   const GatedDeltaNames &names, const GatedDeltaSizes &s,
                   Dim hidden, const GatedDeltaFields &fields) {
  Shapes shapes(s, fields);
  addPreparation(layer, weights, names, s, shapes);
  std::string base = (layer.prefix + "." + names.module + ".").str();
  std::string disk = (layer.location + "." + names.module + ".").str();
  std::string stepFields = (fields.valueHeads + " * " + fields.keyDim).str();
  Dim steps =
      s.channelDecay ? Dim{s.valueHeads * s.keyDim, stepFields} : shapes.heads;
  layer.add("dt_bias", weights.get(base + "dt_bias", disk + "dt_bias", steps));
  layer.add("gated_norm",
            weights.get(base + names.norm.str(),
                        disk + names.norm.str() + ".weight", shapes.valueDim));
  layer.add("out_proj", weights.getMatrix(base + names.out.str(),
                                          disk + names.out.str() + ".weight",
                                          {hidden, shapes.inner}, /*hint=*/"",
                                          /*mayPermute=*/true));
  int64_t any = ShapedType::kDynamic;
  Type f32 = layer.preparation->outputs.front().type.getElementType();
  layer.states.append(
      {{"conv", RankedTensorType::get({any, s.window - 1, s.convolved()}, f32)},
       {"ssm", RankedTensorType::get({any, s.valueHeads, s.keyDim, s.valueDim},
                                     f32)}});
}

void addGatedDeltaProjections(LayerPlan &layer, WeightTable &weights,
                              StringRef module, const GatedDeltaSizes &s,
                              Dim hidden, bool byKeyHead,
                              const GatedDeltaFields &fields) {
  Shapes shapes(s, fields);
  std::string m = (module + ".").str();
  std::string allFields =
      "2 * " + shapes.keyFields + " + 2 * " + shapes.innerFields;
  std::string twoFields = ("2 * " + fields.valueHeads).str();
  auto add = [&](StringRef name, Dim rows) {
    takeTensor(layer, weights, m, name, {rows, hidden});
  };
  // Parts of a matrix in 8 or 4 bits tell that it is there, too.
  auto has = [&](StringRef name) {
    std::string tensor = (layer.location + "." + m + name + ".weight").str();
    return weights.has({tensor, tensor + ".codes"});
  };
  if (byKeyHead && !has("in_proj_qkv")) {
    add("in_proj_qkvz", {s.convolved() + s.inner(), allFields});
  } else {
    add("in_proj_qkv", shapes.convolved);
    add("in_proj_z", shapes.inner);
  }
  if (byKeyHead && !has("in_proj_b")) {
    add("in_proj_ba", {2 * s.valueHeads, twoFields});
  } else {
    add("in_proj_b", shapes.heads);
    add("in_proj_a", shapes.heads);
  }
}

} // namespace mlir::marimba
