//===- OlmoHybrid.cpp - OLMo hybrid -----------------------------*- C++ -*-===//
//
// Part of Marimba. Allen Institute for AI 2025: three layers of gated delta
// nets to one of attention without positions. The first kind norms what goes
// into a branch, the second, as OLMo 2 does, what comes out of it.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/AttentionWeights.h"
#include "importer/blocks/EmbeddingAndHead.h"
#include "importer/blocks/FeedForwardWeights.h"
#include "importer/blocks/GatedDeltaWeights.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/hub/RotaryConfig.h"
#include "llvm/ADT/StringSwitch.h"

namespace mlir::marimba {

static constexpr StringLiteral kTypes = "layer_types";

namespace {

struct OlmoHybridConfig {
  int64_t vocab, hidden, intermediate, layers;
  bool tied, attentionBias;
  double epsilon;
  AttentionSizes attention;
  GatedDeltaSizes mixer;
  Rotation rotation;
  std::vector<bool> isLinear; // by layer

  /// Reads and checks all fields; errors have been reported on failure.
  LogicalResult read(Config &config);

private:
  void readMixers(Config &config);
  void readTypes(Config &config);
};

} // namespace

void OlmoHybridConfig::readMixers(Config &c) {
  constexpr int64_t mostHeads = 1 << 16;
  AttentionSizes &a = attention;
  a.heads = c.getPositive("num_attention_heads", 30, mostHeads);
  a.keyHeads = c.getPositive("num_key_value_heads", a.heads, mostHeads);
  a.headDim = c.getPositive("head_dim", std::max<int64_t>(hidden / a.heads, 1),
                            mostHeads);
  checkAttention(c, hidden, a);
  a.norm = QueryKeyNorm::OfAll;
  a.normEpsilon = epsilon;
  // A base of null says that there are no positions; one that is absent is the
  // class's default.
  c.flatten("rope_parameters");
  auto isNull = [&](StringRef field) { return c.has(field) && !c.find(field); };
  if (!isNull("rope_theta") && !isNull("rope_parameters.rope_theta")) {
    rotation = readRotation(c, a.headDim, /*defaultTheta=*/1e4);
    a.rotary = rotation.size();
  }

  GatedDeltaSizes sizes;
  sizes.keyHeads = c.getPositive("linear_num_key_heads", a.heads, mostHeads);
  sizes.valueHeads = a.heads;
  sizes.keyDim = c.getPositive(
      "linear_key_head_dim",
      std::clamp<int64_t>(3 * hidden / (4 * sizes.keyHeads), 1, kMaxState),
      kMaxState);
  sizes.valueDim = std::min(2 * sizes.keyDim, kMaxState);
  sizes.window = 4;
  sizes.normEpsilon = 1e-5; // whatever the config says
  sizes.betaScale = c.getBool("linear_allow_neg_eigval", true) ? 2 : 1;
  mixer = readGatedDelta(c, sizes);
}

void OlmoHybridConfig::readTypes(Config &c) {
  for (const std::string &type : c.getStrings(kTypes)) {
    if (type != "linear_attention" && type != "full_attention")
      return c.error(kTypes, "a list of \"linear_attention\" and "
                             "\"full_attention\"");
    isLinear.push_back(type == "linear_attention");
  }
  // The last of fewer than four is attention, too.
  if (!c.find(kTypes))
    for (int64_t i = 0; i < layers; ++i)
      isLinear.push_back(i % 4 != 3 && (i + 1 < layers || layers > 3));
  if (int64_t(isLinear.size()) != layers)
    c.error(kTypes,
            "a list of num_hidden_layers (" + Twine(layers) + ") elements");
}

LogicalResult OlmoHybridConfig::read(Config &c) {
  vocab = c.getPositive("vocab_size", 100352, kMaxSize);
  hidden = c.getPositive("hidden_size", 3840, kMaxSize);
  intermediate = c.getPositive("intermediate_size", 11008, kMaxSize);
  layers = c.getPositive("num_hidden_layers", 32, kMaxLayers);
  epsilon = c.getPositiveReal("rms_norm_eps", 1e-6);
  tied = c.getBool("tie_word_embeddings", false);
  attentionBias = c.getBool("attention_bias", false);
  readMixers(c);
  readTypes(c);
  c.checkSupported();
  return c.result();
}

/// transformers 5.17 renames the norms of all layers when it saves them.
static void addNorm(LayerPlan &layer, WeightTable &weights, StringRef name,
                    Dim hidden) {
  StringRef renamed =
      llvm::StringSwitch<StringRef>(name)
          .Case("input_layernorm", "attention_layer_norm")
          .Case("post_attention_layernorm", "feedforward_layer_norm")
          .Default("");
  takeTensor(layer, weights, "", name, hidden, ".weight", renamed);
}

static void addMixer(LayerPlan &layer, WeightTable &weights,
                     const OlmoHybridConfig &config, Dim hidden) {
  const GatedDeltaSizes &s = config.mixer;
  GatedDeltaNames names;
  names.convolutions = {"q_conv1d", "k_conv1d", "v_conv1d"};
  names.norm = "o_norm";
  names.out = "o_proj";
  auto add = [&](StringRef name, Dim rows) {
    takeTensor(layer, weights, "linear_attn.", name, {rows, hidden});
  };
  Dim keys{s.keys(), "linear_num_key_heads * linear_key_head_dim"};
  Dim inner{s.inner(), "linear_num_value_heads * linear_value_head_dim"};
  Dim heads{s.valueHeads, "linear_num_value_heads"};
  add("q_proj", keys);
  add("k_proj", keys);
  add("v_proj", inner);
  add("g_proj", inner);
  add("b_proj", heads);
  add("a_proj", heads);
  addGatedDelta(layer, weights, names, s, hidden);
}

static Value emitMixer(LayerScope &scope, const GatedDeltaSizes &s, Value h) {
  auto project = [&](StringRef name) { return emitLinear(scope, h, name); };
  GatedDeltaInputs inputs;
  inputs.qkv = concatChannels(
      scope, "qkv", {project("q_proj"), project("k_proj"), project("v_proj")});
  inputs.gate = project("g_proj");
  inputs.beta = project("b_proj");
  inputs.decay = project("a_proj");
  return emitGatedDelta(scope, s, inputs);
}

static Value emitLayer(LayerScope &scope, const OlmoHybridConfig &c,
                       bool isLinear) {
  auto norm = [&](Value value, StringRef name) {
    return emitNorm(scope, value, name, c.epsilon);
  };
  Value mixed, fed;
  if (isLinear)
    mixed = emitMixer(scope, c.mixer, norm(scope.x, "input_layernorm"));
  else
    mixed = norm(emitAttention(scope, c.attention, scope.x),
                 "post_attention_layernorm");
  Value x = emitResidual(scope, scope.x, mixed, "mixer_residual");
  if (isLinear)
    fed = emitDenseFeedForward(scope, norm(x, "post_attention_layernorm"));
  else
    fed = norm(emitDenseFeedForward(scope, x), "post_feedforward_layernorm");
  return emitResidual(scope, x, fed, "feed_forward_residual");
}

static LayerPlan planLayer(const OlmoHybridConfig &config, WeightTable &weights,
                           int64_t index) {
  Dim hidden{config.hidden, "hidden_size"};
  bool isLinear = config.isLinear[index];
  LayerPlan layer;
  layer.kind = isLinear ? "gated_delta+dense" : "attention+dense";
  layer.prefix = ("layers." + Twine(index)).str();
  layer.location = "model." + layer.prefix;
  if (isLinear) {
    addNorm(layer, weights, "input_layernorm", hidden);
    addMixer(layer, weights, config, hidden);
  } else {
    addAttention(layer, weights, config.attention, hidden,
                 config.attentionBias);
  }
  addNorm(layer, weights, "post_attention_layernorm", hidden);
  addDenseFeedForward(layer, weights, "mlp", hidden,
                      {config.intermediate, "intermediate_size"});
  if (!isLinear)
    addNorm(layer, weights, "post_feedforward_layernorm", hidden);
  layer.location += isLinear ? ".linear_attn" : ".self_attn";
  layer.emit = [c = config, isLinear](LayerScope &scope) {
    return emitLayer(scope, c, isLinear);
  };
  return layer;
}

static LogicalResult planOlmoHybrid(MLIRContext &, Config &file,
                                    WeightTable &weights, ModelPlan &plan,
                                    ModelInfo &info) {
  OlmoHybridConfig config;
  if (failed(config.read(file)))
    return failure();
  if (config.attention.rotary)
    plan.rotations = {config.rotation};
  ModelFrame frame{config.vocab, config.hidden, config.layers, config.epsilon,
                   config.tied};
  frame.names.norm = "norm";
  frame.names.layerNorm = "post_attention_layernorm";
  planFrame(plan, info, weights, frame, file.file(),
            [&](int64_t i) { return planLayer(config, weights, i); });
  setDefaultTokens(file, info, /*eos=*/100257, /*bos=*/{}, /*pad=*/100277);
  info.sizes = {{"intermediate_size", config.intermediate},
                {"num_attention_heads", config.attention.heads},
                {"num_key_value_heads", config.attention.keyHeads},
                {"head_dim", config.attention.headDim},
                {"rotary_dim", config.attention.rotary},
                {"linear_num_key_heads", config.mixer.keyHeads},
                {"linear_num_value_heads", config.mixer.valueHeads},
                {"linear_key_head_dim", config.mixer.keyDim},
                {"linear_value_head_dim", config.mixer.valueDim},
                {"linear_conv_kernel_dim", config.mixer.window}};
  return success();
}

Family olmoHybridFamily() { return {"olmo_hybrid", planOlmoHybrid, noGguf()}; }

} // namespace mlir::marimba
