//===- TransformerModel.cpp - Models of attention only ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/families/TransformerModel.h"
#include "importer/blocks/ModelEnds.h"
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
    Value fed = experts ? emitMixtureOfExperts(scope, topK, h, true)
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
  EndNames names;
  names.norm = "norm";
  takeHead(plan, weights, names, vocabDim, hiddenDim, tied, file.file());

  // Absent is not null: these are the classes' defaults.
  if (!file.has("eos_token_id"))
    info.eosIds = {2};
  if (!file.has("bos_token_id"))
    info.bosId = 1;
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

} // namespace mlir::marimba
