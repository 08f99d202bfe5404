//===- Mamba2Hybrid.cpp - Mamba-2 mixers and attention by turns -*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/Mamba2Hybrid.h"
#include "importer/blocks/EmbeddingAndHead.h"
#include "importer/blocks/TransformerModel.h"
#include "importer/gguf/GgufKeys.h"

namespace mlir::marimba {

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

void Mamba2Hybrid::read(Config &c, const Defaults &defaults) {
  vocab = c.getPositive("vocab_size", defaults.vocab, kMaxSize);
  hidden = c.getPositive("hidden_size", 4096, kMaxSize);
  layers = c.getPositive("num_hidden_layers", 32, kMaxLayers);
  epsilon = c.getPositiveReal("rms_norm_eps", defaults.epsilon);
  attention = readAttention(c, hidden, defaults.keyHeads);
  attentionBias = c.getBool("attention_bias", false);
  isAttention.assign(layers, false);

  mixer.fields = {"mamba_n_heads", "mamba_d_head", "mamba_n_groups",
                  "mamba_d_state", "mamba_d_conv"};
  Mamba2Sizes &s = mixer.sizes;
  int64_t inner = hidden * c.getPositive("mamba_expand", 2, kMaxExpand);
  s.heads = c.getPositive("mamba_n_heads", 128, kMaxSize);
  s.headDim = c.getPositiveOrAuto(
      "mamba_d_head", std::max<int64_t>(inner / s.heads, 1), kMaxSize);
  if (s.inner() != inner)
    c.error("mamba_n_heads", "mamba_n_heads * mamba_d_head (" +
                                 Twine(s.headDim) + ") to be " + Twine(inner) +
                                 " (mamba_expand * hidden_size)");
  readMamba2Sizes(c, mixer, /*groups=*/1, /*state=*/256);
  readStepLimit(c, s);
  s.normEpsilon = epsilon;
  mixer.inBias = mixer.outBias = c.getBool("mamba_proj_bias", false);
  mixer.convBias = c.getBool("mamba_conv_bias", true);
  c.checkSupported();
}

void Mamba2Hybrid::readLayerTypes(Config &c, StringRef field) {
  layersField = field;
  std::vector<std::string> kinds = c.getStrings(field);
  if (kinds.empty())
    return;
  if (int64_t(kinds.size()) != layers)
    return c.error(field, "the kinds of all layers, " + Twine(layers) +
                              " (num_hidden_layers)");
  for (auto [i, kind] : llvm::enumerate(kinds)) {
    isAttention[i] = kind == "attention" || kind == "full_attention";
    if (!isAttention[i] && kind != "mamba" && kind != "linear_attention")
      return c.error(field, "\"mamba\", \"linear_attention\", \"attention\" "
                            "or \"full_attention\" for layer " +
                                Twine(i) + ", which is \"" + kind + "\"");
  }
}

//===----------------------------------------------------------------------===//
// Weights and layers
//===----------------------------------------------------------------------===//

/// The list of layers says what a layer is; its tensors have to agree.
void Mamba2Hybrid::confirm(const LayerPlan &layer, WeightTable &weights,
                           int64_t index, StringRef configFile) const {
  bool hasAttention = weights.has(layer.location + ".self_attn.q_proj.weight");
  bool hasMamba = weights.has(layer.location + ".mamba.in_proj.weight");
  if (hasAttention == hasMamba || hasAttention == isAttention[index])
    return;
  weights.error("layer " + Twine(index) + " has " +
                (hasAttention ? "attention" : "mamba") + " tensors, but " +
                weights.fieldsInFile(layersField) + " of " + configFile +
                " makes it " + (hasAttention ? "a mamba" : "an attention") +
                " layer");
}

void Mamba2Hybrid::addFeedForward(LayerPlan &layer,
                                  WeightTable &weights) const {
  Dim hiddenDim{hidden, "hidden_size"};
  Dim width{intermediate, intermediateField};
  if (experts)
    addMixtureOfExperts(layer, weights, expertNames, {experts, expertsField},
                        hiddenDim, {expertSize, "intermediate_size"});
  if (!intermediate)
    return;
  std::string disk = (layer.location + "." + feedForward + ".").str();
  std::string base = (layer.prefix + "." + feedForward + ".").str();
  std::string hint;
  if (!gateUp.empty()) {
    Dim united{2 * intermediate, intermediateField};
    std::string whole = disk + gateUp.str() + ".weight";
    weights.splitRows(whole,
                      {disk + "gate_proj.weight", disk + "up_proj.weight"},
                      united, hiddenDim);
    hint = " (rows of '" + whole + "')";
  }
  auto add = [&](StringRef name, StringRef onDisk, Dim out, Dim in,
                 StringRef why) {
    std::string own = ((experts ? "shared_experts." : "") + name).str();
    layer.add(own, weights.getMatrix(base + name.str(),
                                     disk + onDisk.str() + ".weight", {out, in},
                                     why, /*mayPermute=*/true));
    if (feedForwardBias)
      layer.add(own + ".bias", weights.get(base + name.str() + ".bias",
                                           disk + onDisk.str() + ".bias", out));
  };
  add("gate_proj", "gate_proj", width, hiddenDim, hint);
  add("up_proj", "up_proj", width, hiddenDim, hint);
  add("down_proj", down, hiddenDim, width, "");
}

LayerPlan Mamba2Hybrid::planLayer(WeightTable &weights, int64_t index,
                                  StringRef configFile) const {
  Dim hiddenDim{hidden, "hidden_size"};
  bool attends = isAttention[index];
  LayerPlan layer;
  layer.kind = (Twine(attends ? "attention" : "mamba2") + "+" +
                (experts ? "moe" : "dense"))
                   .str();
  layer.prefix = ("layers." + Twine(index)).str();
  layer.location = "model." + layer.prefix;
  confirm(layer, weights, index, configFile);
  takeTensor(layer, weights, "", "input_layernorm", hiddenDim);
  if (attends)
    addAttention(layer, weights, attention, hiddenDim, attentionBias);
  else
    addMamba2Mixer(layer, weights, "mamba", mixer, hiddenDim);
  layer.add(
      "feed_forward_norm",
      weights.get((layer.prefix + "." + feedForwardNorm).str(),
                  (layer.location + "." + feedForwardNorm + ".weight").str(),
                  hiddenDim));
  addFeedForward(layer, weights);
  layer.location += attends ? ".self_attn" : ".mamba";

  Routing routing{.topK = topK, .normalize = true};
  layer.emit = [attends, routing, attention = attention, sizes = mixer.sizes,
                epsilon = epsilon, scale = residualScale,
                experts = experts](LayerScope &scope) {
    Value h = emitNorm(scope, scope.x, "input_layernorm", epsilon);
    Value mixed = attends ? emitAttention(scope, attention, h)
                          : emitMamba2Mixer(scope, sizes, h);
    mixed = emitScaled(scope, mixed, scale, "residual_scale");
    Value x = emitResidual(scope, scope.x, mixed, "mixer_residual");
    h = emitNorm(scope, x, "feed_forward_norm", epsilon);
    Value fed = experts ? emitMixtureOfExperts(scope, routing, h)
                        : emitDenseFeedForward(scope, h);
    fed = emitScaled(scope, fed, scale, "residual_scale");
    return emitResidual(scope, x, fed, "feed_forward_residual");
  };
  return layer;
}

void Mamba2Hybrid::plan(Config &file, WeightTable &weights, ModelPlan &plan,
                        ModelInfo &info) const {
  plan.embeddingScale = embeddingScale;
  plan.logitsScale = logitsScale;
  if (rotation)
    plan.rotations = {*rotation};
  ModelFrame frame{vocab, hidden, layers, epsilon, tied};
  frame.names.norm = lastNorm;
  planFrame(plan, info, weights, frame, file.file(),
            [&](int64_t i) { return planLayer(weights, i, file.file()); });

  setDefaultTokens(file, info, /*eos=*/2, /*bos=*/1, padId);
  info.sizes = {{"num_attention_heads", attention.heads},
                {"num_key_value_heads", attention.keyHeads},
                {"head_dim", attention.headDim},
                {"rotary_dim", attention.rotary},
                {"mamba_n_heads", mixer.sizes.heads},
                {"mamba_d_head", mixer.sizes.headDim},
                {"mamba_n_groups", mixer.sizes.groups},
                {"mamba_d_state", mixer.sizes.state},
                {"mamba_d_conv", mixer.sizes.window},
                {intermediateField.str(), intermediate}};
  if (experts) {
    info.sizes.push_back({"intermediate_size", expertSize});
    info.sizes.push_back({expertsField.str(), experts});
    info.sizes.push_back({"num_experts_per_tok", topK});
  }
}

//===----------------------------------------------------------------------===//
// GGUF
//===----------------------------------------------------------------------===//

void writeGgufMamba2Hybrid(GgufKeys &k, double share) {
  writeGgufTransformer(k, /*theta=*/share ? 1e4 : 0, share);
  k.perLayer("attention.head_count_kv", "attention",
             k.size("num_key_value_heads"));
  writeGgufMamba2(k, {"mamba_n_heads", "mamba_d_head", "mamba_n_groups",
                      "mamba_d_state", "mamba_d_conv"});
  k.boolean("rope.scaling.finetuned", share != 0);
}

void readGgufMamba2Hybrid(GgufFields &f, bool partRotates) {
  readGgufTransformer(f, partRotates);
  readGgufMamba2(f,
                 {"mamba_n_heads", "mamba_d_head", "mamba_n_groups",
                  "mamba_d_state", "mamba_d_conv"},
                 "mamba_expand");
  // What a layer is, its tensors say.
  llvm::json::Array types;
  std::optional<int64_t> attention, mamba;
  for (int64_t i = 0; i < f.layers; ++i) {
    std::string block = ("blk." + Twine(i) + ".").str();
    bool attends = f.hasTensor(block + "attn_q.weight");
    if (!attends && !f.hasTensor(block + "ssm_in.weight"))
      f.error("layer " + Twine(i) +
              " has neither of the tensors attn_q and "
              "ssm_in, expected one of them");
    types.push_back(attends ? "attention" : "mamba");
    std::optional<int64_t> &first = attends ? attention : mamba;
    first = first.value_or(i);
  }
  f.set("layer_types", std::move(types), "blk.*");
  auto setIfThere = [&](StringRef field, std::optional<int64_t> layer,
                        StringRef tensor) {
    std::string name = ("blk." + Twine(layer.value_or(0)) + "." + tensor).str();
    f.set(field, f.hasTensor(name), name);
  };
  setIfThere("attention_bias", attention, "attn_q.bias");
  setIfThere("mamba_proj_bias", mamba, "ssm_in.bias");
  setIfThere("mamba_conv_bias", mamba, "ssm_conv1d.bias");
}

} // namespace mlir::marimba
