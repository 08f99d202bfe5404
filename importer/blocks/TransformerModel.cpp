//===- TransformerModel.cpp - Models of attention only ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/TransformerModel.h"
#include "importer/blocks/EmbeddingAndHead.h"
#include "importer/gguf/GgufKeys.h"
#include <cmath>

namespace mlir::marimba {

void TransformerModel::read(Config &c, const TransformerDefaults &defaults) {
  vocab = c.getPositive("vocab_size", defaults.vocab, kMaxSize);
  hidden = c.getPositive("hidden_size", defaults.hidden, kMaxSize);
  intermediate =
      c.getPositive("intermediate_size", defaults.intermediate, kMaxSize);
  layers = c.getPositive("num_hidden_layers", defaults.layers, kMaxLayers);
  epsilon = c.getPositiveReal("rms_norm_eps", defaults.epsilon);
  tied = c.getBool("tie_word_embeddings", defaults.tied);
  attention = readAttention(c, hidden, defaults.keyHeads, defaults.heads,
                            defaults.headDim);
  attention.normEpsilon = epsilon;
  checkAttention(c, hidden, attention);
  if (defaults.theta) {
    rotations = {readRotation(c, attention.headDim, defaults.theta)};
    attention.rotary = rotations.front().size();
  }
  c.checkSupported(defaults.activation, defaults.activationField);
}

void TransformerModel::readWindow(Config &c) {
  StringRef field = "sliding_window";
  attention.window =
      c.has(field) ? c.getPositiveOrNone(field, INT32_MAX) : 4096;
}

void TransformerModel::readUpperWindows(Config &c) {
  if (!c.getBool("use_sliding_window", false))
    return;
  readWindow(c);
  int64_t first = c.getNonNegative("max_window_layers", 28, kMaxLayers);
  readWindows(c, [&](int64_t i) { return i >= first; });
}

void TransformerModel::readWindows(Config &c,
                                   function_ref<bool(int64_t)> isWindowed) {
  StringRef field = "layer_types", window = "sliding_attention";
  windowed.clear();
  if (!c.find(field)) {
    for (int64_t i = 0; i < layers; ++i)
      windowed.push_back(isWindowed(i));
    return;
  }
  for (const std::string &type : c.getStrings(field)) {
    if (type != window && type != "full_attention")
      return c.error(field, "a list of \"sliding_attention\" and "
                            "\"full_attention\"");
    windowed.push_back(type == window);
  }
  if (int64_t(windowed.size()) != layers)
    c.error(field,
            "a list of num_hidden_layers (" + Twine(layers) + ") elements");
}

void TransformerModel::readMultipliers(Config &c) {
  embeddingScale = c.getPositiveReal("embedding_multiplier", 1);
  residualScale = c.getPositiveReal("residual_multiplier", 1);
  attention.scale = c.getPositiveReal("attention_multiplier", 1);
  logitsScale = 1 / c.getPositiveReal("logits_scaling", 1);
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

namespace {

/// What the norms of a layer's feed-forward are called: before it and, where
/// there is one, behind it.
constexpr StringLiteral kAfterAttention = "post_attention_layernorm";
constexpr StringLiteral kBeforeFeedForward = "pre_feedforward_layernorm";
constexpr StringLiteral kAfterFeedForward = "post_feedforward_layernorm";

} // namespace

Value TransformerModel::emitLayer(LayerScope &scope,
                                  const AttentionSizes &sizes,
                                  bool isSparse) const {
  auto norm = [&](Value value, StringRef name) {
    return emitNorm(scope, value, name, epsilon, /*groups=*/1,
                    zeroCenteredNorms);
  };
  auto add = [&](Value x, Value y, StringRef outputNorm, StringRef part) {
    if (normsOutputs)
      y = norm(y, outputNorm);
    y = emitScaled(scope, y, residualScale, "residual_scale");
    return emitResidual(scope, x, y, part);
  };
  Value mixed = emitAttention(scope, sizes, norm(scope.x, "input_layernorm"));
  Value x = add(scope.x, mixed, kAfterAttention, "mixer_residual");
  Value h = norm(x, normsOutputs ? kBeforeFeedForward : kAfterAttention);
  Value fed = isSparse ? emitMixtureOfExperts(scope, routing, h)
                       : emitDenseFeedForward(scope, h, /*prefix=*/"",
                                              /*gateScale=*/1, activation);
  return add(x, fed, kAfterFeedForward, "feed_forward_residual");
}

LayerPlan TransformerModel::planLayer(
    WeightTable &weights, int64_t index,
    std::shared_ptr<const TransformerModel> model) const {
  Dim hiddenDim{hidden, "hidden_size"};
  bool isSparse = experts && (sparse.empty() || sparse[index]);
  bool isWindowed = !windowed.empty() && windowed[index] && attention.window;
  AttentionSizes sizes = attention;
  if (!windowed.empty() && !windowed[index])
    sizes.window = 0;
  LayerPlan layer;
  // A window is not in the types that tell functions of one kind apart.
  layer.kind = std::string(isWindowed ? "windowed_" : "") + "attention+" +
               (isSparse ? "moe" : "dense");
  layer.prefix = ("layers." + Twine(index)).str();
  layer.location = (module + "." + layer.prefix).str();
  takeTensor(layer, weights, "", "input_layernorm", hiddenDim);
  addAttention(layer, weights, sizes, hiddenDim, attentionBias, "self_attn",
               /*names=*/{}, outputBias);
  if (rotations.size() > 1 && windowed[index])
    layer.rotation = 1;
  takeTensor(layer, weights, "", kAfterAttention, hiddenDim);
  if (normsOutputs)
    takeTensor(layer, weights, "", kBeforeFeedForward, hiddenDim);
  if (isSparse)
    addMixtureOfExperts(layer, weights, expertNames, {experts, expertsField},
                        hiddenDim,
                        {expertIntermediate, expertIntermediateField});
  else
    addDenseFeedForward(layer, weights, "mlp", hiddenDim,
                        {intermediate, "intermediate_size"}, feedForwardBias);
  if (normsOutputs)
    takeTensor(layer, weights, "", kAfterFeedForward, hiddenDim);
  layer.location += ".self_attn";
  layer.emit = [model = std::move(model), sizes, isSparse](LayerScope &scope) {
    return model->emitLayer(scope, sizes, isSparse);
  };
  return layer;
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

void TransformerModel::plan(Config &file, WeightTable &weights, ModelPlan &plan,
                            ModelInfo &info) const {
  plan.zeroCenteredNorm = zeroCenteredNorms;
  plan.embeddingScale = embeddingScale;
  plan.logitsScale = logitsScale;
  plan.logitsSoftcap = logitsSoftcap;
  plan.rotations = rotations;
  auto model = std::make_shared<const TransformerModel>(*this);
  ModelFrame frame{vocab, hidden, layers, epsilon, tied};
  frame.names.module = module;
  frame.names.norm = "norm";
  planFrame(plan, info, weights, frame, file.file(),
            [&](int64_t i) { return planLayer(weights, i, model); });
  setDefaultTokens(file, info, eos, bos, pad);
  describe(info);
}

void TransformerModel::describe(ModelInfo &info) const {
  info.sizes = {{"intermediate_size", intermediate},
                {"num_attention_heads", attention.heads},
                {"num_key_value_heads", attention.keyHeads},
                {"head_dim", attention.headDim},
                {"rotary_dim", attention.rotary}};
  if (attention.window)
    info.sizes.push_back({"sliding_window", attention.window});
  if (!experts)
    return;
  if (expertIntermediateField != "intermediate_size")
    info.sizes.push_back({expertIntermediateField.str(), expertIntermediate});
  info.sizes.push_back({expertsField.str(), experts});
  info.sizes.push_back({"num_experts_per_tok", routing.topK});
}

//===----------------------------------------------------------------------===//
// GGUF
//===----------------------------------------------------------------------===//

void readGgufTransformer(GgufFields &f, bool partRotates) {
  constexpr int64_t mostHeads = 1 << 16;
  f.copy("attention.layer_norm_rms_epsilon", "rms_norm_eps");
  f.copy("feed_forward_length", "intermediate_size");
  f.copy("attention.head_count", "num_attention_heads");
  int64_t &queryHeads = f.config.queryHeads, &keyHeads = f.config.keyHeads;
  queryHeads = f.positive("attention.head_count", mostHeads);
  f.copy("attention.head_count_kv", "num_key_value_heads", /*required=*/false);
  keyHeads = f.positive("attention.head_count_kv", mostHeads, false);
  if (!keyHeads)
    keyHeads = queryHeads;
  f.set("attention_bias", f.hasTensor("blk.0.attn_q.bias"),
        "blk.0.attn_q.bias");
  f.set("mlp_bias", f.hasTensor("blk.0.ffn_gate.bias"), "blk.0.ffn_gate.bias");

  int64_t headDim = f.positive("attention.key_length", kMaxSize, false);
  if (headDim)
    f.copy("attention.key_length", "head_dim");
  else if (queryHeads)
    headDim = f.hidden / queryHeads;
  std::string values = f.key("attention.value_length");
  if (f.file.find(values) && f.integer(values) != headDim)
    f.keyError(values, "the size of a head, " + Twine(headDim));
  readGgufRotary(f, headDim, partRotates);
}

/// A factor, which is none where it is absent or 0.
static void readFactor(GgufFields &f, StringRef suffix, StringRef field,
                       double none) {
  std::string key = f.key(suffix);
  if (!f.file.find(key) || f.file.getInteger(key) == 0)
    f.set(field, none, key);
  else
    f.copy(suffix, field);
}

void readGgufMultipliers(GgufFields &f) {
  readFactor(f, "embedding_scale", "embedding_multiplier", 1);
  readFactor(f, "residual_scale", "residual_multiplier", 1);
  readFactor(f, "logit_scale", "logits_scaling", 1);
  int64_t heads = std::max<int64_t>(f.config.queryHeads, 1);
  double headDim = double(std::max<int64_t>(f.hidden / heads, 1));
  readFactor(f, "attention.scale", "attention_multiplier",
             1 / std::sqrt(headDim));
}

void writeGgufTransformer(GgufKeys &k, double theta, double share) {
  k.common();
  k.sizes({{"feed_forward_length", "intermediate_size"},
           {"attention.head_count", "num_attention_heads"},
           {"attention.head_count_kv", "num_key_value_heads"},
           {"attention.key_length", "head_dim"},
           {"attention.value_length", "head_dim"}});
  if (theta)
    k.rotary(k.size("head_dim"), theta, share);
}

void writeGgufMultipliers(GgufKeys &k) {
  constexpr std::pair<StringLiteral, StringLiteral> factors[] = {
      {"embedding_scale", "embedding_multiplier"},
      {"residual_scale", "residual_multiplier"},
      {"logit_scale", "logits_scaling"},
      {"attention.scale", "attention_multiplier"}};
  for (auto [key, field] : factors)
    k.real(key, k.config.getPositiveReal(field, 1));
}

int64_t readGgufWindow(GgufFields &f) {
  std::string key = f.key("attention.sliding_window");
  // An unsigned -1 is none here, too.
  std::optional<int64_t> window = f.file.getTokenId(key);
  if (!window)
    window = f.integer(key);
  if (f.file.find(key) && !window)
    f.keyError(key, "an integer");
  return window.value_or(0);
}

} // namespace mlir::marimba
