//===- TransformerModel.cpp - Models of attention only ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/TransformerModel.h"
#include "importer/blocks/EmbeddingAndHead.h"
#include "importer/hub/RotaryConfig.h"

namespace mlir::marimba {

void TransformerModel::read(Config &c, const TransformerDefaults &defaults) {
  vocab = c.getPositive("vocab_size", 32000, kMaxSize);
  hidden = c.getPositive("hidden_size", 4096, kMaxSize);
  intermediate =
      c.getPositive("intermediate_size", defaults.intermediate, kMaxSize);
  layers = c.getPositive("num_hidden_layers", 32, kMaxLayers);
  epsilon = c.getPositiveReal("rms_norm_eps", defaults.epsilon);
  tied = c.getBool("tie_word_embeddings", false);
  attention = readAttention(c, hidden, defaults.keyHeads);
  checkAttention(c, hidden, attention);
  frequencies = readRotaryFrequencies(c, attention.headDim, defaults.theta);
  attention.rotary = 2 * int64_t(frequencies.size());
  c.checkSupported();
}

LayerPlan TransformerModel::planLayer(WeightTable &weights,
                                      int64_t index) const {
  Dim hiddenDim{hidden, "hidden_size"};
  Dim intermediateDim{intermediate, "intermediate_size"};
  LayerPlan layer;
  layer.kind = experts ? "attention+moe" : "attention+dense";
  layer.prefix = ("layers." + Twine(index)).str();
  layer.location = "model." + layer.prefix;
  takeTensor(layer, weights, "", "input_layernorm", hiddenDim);
  addAttention(layer, weights, attention, hiddenDim, attentionBias);
  takeTensor(layer, weights, "", "post_attention_layernorm", hiddenDim);
  if (experts)
    addMixtureOfExperts(layer, weights, expertNames,
                        {experts, "num_local_experts"}, hiddenDim,
                        intermediateDim);
  else
    addDenseFeedForward(layer, weights, "mlp", hiddenDim, intermediateDim,
                        feedForwardBias);
  layer.location += ".self_attn";

  layer.emit = [attention = attention, epsilon = epsilon, experts = experts,
                topK = topK](LayerScope &scope) {
    Value h = emitNorm(scope, scope.x, "input_layernorm", epsilon);
    Value mixed = emitAttention(scope, attention, h);
    Value x = emitResidual(scope, scope.x, mixed, "mixer_residual");
    h = emitNorm(scope, x, "post_attention_layernorm", epsilon);
    Routing routing{.topK = topK, .normalize = true};
    Value fed = experts ? emitMixtureOfExperts(scope, routing, h)
                        : emitDenseFeedForward(scope, h);
    return emitResidual(scope, x, fed, "feed_forward_residual");
  };
  return layer;
}

void TransformerModel::plan(Config &file, WeightTable &weights, ModelPlan &plan,
                            ModelInfo &info) const {
  Dim vocabDim{vocab, "vocab_size"}, hiddenDim{hidden, "hidden_size"};
  plan.vocabSize = vocab;
  plan.hiddenSize = hidden;
  plan.normEpsilon = epsilon;
  plan.rotaryFrequencies = frequencies;
  plan.embedding =
      takeEmbedding(weights, "embed_tokens", {"model.embed_tokens.weight"},
                    vocabDim, hiddenDim, tied);
  for (int64_t i = 0; i < layers; ++i)
    plan.layers.push_back(planLayer(weights, i));
  HeadNames names;
  names.norm = "norm";
  takeHead(plan, weights, names, vocabDim, hiddenDim, tied, file.file());

  setDefaultTokens(file, info, /*eos=*/2, /*bos=*/1);
  info.tiedEmbeddings = tied;
  info.sizes = {{"intermediate_size", intermediate},
                {"num_attention_heads", attention.heads},
                {"num_key_value_heads", attention.keyHeads},
                {"head_dim", attention.headDim},
                {"rotary_dim", attention.rotary}};
  if (attention.window)
    info.sizes.push_back({"sliding_window", attention.window});
  if (experts) {
    info.sizes.push_back({"num_local_experts", experts});
    info.sizes.push_back({"num_experts_per_tok", topK});
  }
}

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
  if (f.file.find(values) && f.file.getInteger(values) != headDim)
    f.keyError(values, "the size of a head, " + Twine(headDim));
  readGgufRotary(f, headDim, partRotates);
}

int64_t readGgufWindow(GgufFields &f) {
  std::string key = f.key("attention.sliding_window");
  // An unsigned -1 is none here, too.
  std::optional<int64_t> window = f.file.getTokenId(key);
  if (f.file.find(key) && !window)
    f.keyError(key, "an integer");
  return window.value_or(0);
}

} // namespace mlir::marimba
