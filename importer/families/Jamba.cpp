//===- Jamba.cpp - The Jamba family -----------------------------*- C++ -*-===//
//
// Part of Marimba. Jamba: Lieber et al. 2024; Mamba mixers with some layers of
// attention, every other feed-forward a mixture of experts.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/AttentionWeights.h"
#include "importer/blocks/FeedForwardWeights.h"
#include "importer/blocks/ModelEnds.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/families/JambaConfig.h"

namespace mlir::marimba {
namespace {

/// Takes the weights of one layer after the other and plans it.
class JambaPlanner {
public:
  JambaPlanner(const JambaConfig &config, StringRef configFile,
               WeightTable &weights)
      : config(config), configFile(configFile), weights(weights) {}

  LayerPlan planLayer(int64_t index);

private:
  void add(StringRef module, StringRef name, ArrayRef<Dim> shape,
           StringRef suffix = ".weight", StringRef alias = "") {
    takeTensor(layer, weights, module, name, shape, suffix, alias);
  }
  void addMoE();
  /// Whether the layer has such a tensor.
  bool has(const Twine &tensor) const {
    return weights.has((layer.location + "." + tensor).str());
  }
  void confirm(int64_t index, bool attention, bool moe);

  const JambaConfig &config;
  StringRef configFile;
  WeightTable &weights;
  LayerPlan layer;

  Dim hiddenDim{config.hidden, "hidden_size"};
  Dim intermediateDim{config.intermediate, "intermediate_size"};
  Dim expertsDim{config.experts, "num_experts"};
};

void JambaPlanner::addMoE() {
  ExpertNames names;
  // Jamba-v0.1's first upload.
  if (has("moe.router.weight")) {
    names.router = "moe.router";
    names.experts = "moe.experts";
  }
  addMixtureOfExperts(layer, weights, names, expertsDim, hiddenDim,
                      intermediateDim);
}

/// The periods say what a layer is; its tensors have to agree.
void JambaPlanner::confirm(int64_t index, bool attention, bool moe) {
  auto disagree = [&](bool is, StringRef found, StringRef made,
                      StringRef fields) {
    if (is)
      weights.error("layer " + Twine(index) + " has " + found +
                    " tensors, but " + weights.fieldsInFile(fields) + " of " +
                    configFile + " make it " + made);
  };
  bool hasAttention = has("self_attn.q_proj.weight");
  bool hasMamba = has("mamba.in_proj.weight");
  StringRef fields = "attn_layer_period and attn_layer_offset";
  disagree(attention && hasMamba && !hasAttention, "mamba",
           "an attention layer", fields);
  disagree(!attention && hasAttention && !hasMamba, "attention",
           "a mamba layer", fields);
  bool hasRouter =
      has("feed_forward.router.weight") || has("moe.router.weight");
  bool hasDense = has("feed_forward.gate_proj.weight") ||
                  (has("moe.experts.0.gate_proj.weight") && !hasRouter);
  fields = "num_experts, expert_layer_period and expert_layer_offset";
  disagree(moe && hasDense && !hasRouter, "dense feed-forward",
           "a mixture of experts", fields);
  disagree(!moe && hasRouter && !hasDense, "mixture-of-experts",
           "a dense layer", fields);
}

LayerPlan JambaPlanner::planLayer(int64_t index) {
  bool attention = config.isAttention(index), moe = config.isMoE(index);
  layer = LayerPlan();
  layer.kind =
      (Twine(attention ? "attention" : "mamba") + "+" + (moe ? "moe" : "dense"))
          .str();
  layer.prefix = ("layers." + Twine(index)).str();
  layer.location = "model." + layer.prefix;
  confirm(index, attention, moe);

  add("", "input_layernorm", hiddenDim);
  if (attention)
    addAttention(layer, weights, config.attention, hiddenDim);
  else
    addMambaMixer(layer, weights, "mamba", config.mixer, hiddenDim);
  add("", "pre_ff_layernorm", hiddenDim, ".weight", "pre_moe_layernorm");
  if (moe)
    addMoE();
  else // in Jamba-v0.1's first upload a mixture of one expert
    addDenseFeedForward(layer, weights, "feed_forward", hiddenDim,
                        intermediateDim, /*bias=*/false, "moe.experts.0");
  layer.location += attention ? ".self_attn" : ".mamba";

  JambaConfig c = config;
  layer.emit = [c, attention, moe](LayerScope &scope) {
    Value h = emitNorm(scope, scope.x, "input_layernorm", c.epsilon);
    Value mixed = attention ? emitAttention(scope, c.attention, h)
                            : emitMambaMixer(scope, c.mixer.sizes, h);
    Value x = emitResidual(scope, scope.x, mixed, "mixer_residual");
    h = emitNorm(scope, x, "pre_ff_layernorm", c.epsilon);
    Value fed = moe ? emitMixtureOfExperts(scope, c.topK, h, false)
                    : emitDenseFeedForward(scope, h);
    return emitResidual(scope, x, fed, "feed_forward_residual");
  };
  return std::move(layer);
}

} // namespace

LogicalResult planJamba(MLIRContext &, Config &file, WeightTable &weights,
                        ModelPlan &plan, ModelInfo &info) {
  JambaConfig config;
  if (failed(config.read(file)))
    return failure();
  Dim vocab{config.vocab, "vocab_size"}, hidden{config.hidden, "hidden_size"};
  plan.vocabSize = config.vocab;
  plan.hiddenSize = config.hidden;
  plan.normEpsilon = config.epsilon;
  plan.embedding =
      takeEmbedding(weights, "embed_tokens", {"model.embed_tokens.weight"},
                    vocab, hidden, config.tied);
  JambaPlanner planner(config, file.file(), weights);
  for (int64_t i = 0; i < config.layers; ++i)
    plan.layers.push_back(planner.planLayer(i));
  EndNames names;
  names.norm = "final_layernorm";
  takeHead(plan, weights, names, vocab, hidden, config.tied, file.file());

  // Absent is not null: these are the class's defaults.
  if (!file.has("eos_token_id"))
    info.eosIds = {2};
  if (!file.has("bos_token_id"))
    info.bosId = 1;
  if (!file.has("pad_token_id"))
    info.padId = 0;
  info.tiedEmbeddings = config.tied;
  info.sizes = {{"intermediate_size", config.intermediate},
                {"num_attention_heads", config.attention.heads},
                {"num_key_value_heads", config.attention.keyHeads},
                {"head_dim", config.attention.headDim},
                {"num_experts", config.experts},
                {"num_experts_per_tok", config.topK},
                {"mamba_d_inner", config.mixer.sizes.inner},
                {"mamba_d_state", config.mixer.sizes.state},
                {"mamba_d_conv", config.mixer.sizes.window},
                {"mamba_dt_rank", config.mixer.sizes.rank}};
  return success();
}

} // namespace mlir::marimba
