//===- GraniteMoeHybrid.cpp - The Granite 4 hybrid family -------*- C++ -*-===//
//
// Part of Marimba. Granite 4.0-H: IBM 2025; Mamba-2 mixers with some layers of
// attention, a shared feed-forward with or without a mixture of experts beside
// it, and multipliers.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/Mamba2Hybrid.h"
#include "importer/blocks/TransformerModel.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"
#include "importer/hub/RotaryConfig.h"

namespace mlir::marimba {

static void readFeedForward(Mamba2Hybrid &model, Config &c) {
  model.experts = c.getNonNegative("num_local_experts", 8, kMaxExperts);
  if (model.experts) { // published models without any say 0 of these, too
    model.topK = c.getPositive("num_experts_per_tok", 2, kMaxExperts);
    model.expertSize = c.getPositive("intermediate_size", 11008, kMaxSize);
  }
  model.intermediateField = "shared_intermediate_size";
  model.intermediate =
      c.getNonNegative(model.intermediateField, 1024, kMaxSize);
  if (!model.experts && !model.intermediate)
    c.error(model.intermediateField,
            "a positive integer, as there are no experts (num_local_experts)");
  checkExperts(c, "num_local_experts", model.experts, model.topK,
               model.experts ? model.layers : 0);
  ExpertNames &names = model.expertNames;
  names.module = names.experts = "block_sparse_moe";
  names.router = "block_sparse_moe.router.layer";
  names.stackedGateUp = "input_linear.weight";
  names.stackedDown = "output_linear.weight";
  names.stacked = true;
  model.feedForward = "shared_mlp";
  model.gateUp = "input_linear";
  model.down = "output_linear";
}

static LogicalResult planGraniteMoeHybrid(MLIRContext &, Config &file,
                                          WeightTable &weights, ModelPlan &plan,
                                          ModelInfo &info) {
  Mamba2Hybrid model;
  model.read(file, {/*vocab=*/32000, /*keyHeads=*/0, /*epsilon=*/1e-6});
  model.tied = file.getBool("tie_word_embeddings", false);
  readFeedForward(model, file);
  model.feedForwardNorm = "post_attention_layernorm";
  model.lastNorm = "norm";
  model.readLayerTypes(file,
                       file.spelling("layer_types", {"layers_block_type"}));
  checkAttention(file, model.hidden, model.attention);

  // Multipliers, in transformers' class all 1.
  model.embeddingScale = file.getPositiveReal("embedding_multiplier", 1);
  model.residualScale = file.getPositiveReal("residual_multiplier", 1);
  model.attention.scale = file.getPositiveReal("attention_multiplier", 1);
  model.logitsScale = 1 / file.getPositiveReal("logits_scaling", 1);

  std::string positions = file.getString("position_embedding_type", "nope");
  if (positions == "rope") {
    model.rotation = readRotation(file, model.attention.headDim, 10000.0);
    model.attention.rotary = model.rotation->size();
  } else if (positions != "nope") {
    file.error("position_embedding_type", "\"rope\" or \"nope\"");
  }
  if (failed(file.result()))
    return failure();
  model.plan(file, weights, plan, info);
  return success();
}

//===----------------------------------------------------------------------===//
// GGUF
//===----------------------------------------------------------------------===//

static const GgufName kInLayer[] = {
    {"attn_norm", "input_layernorm"},
    {"ffn_norm", "post_attention_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"ssm_in", "mamba.in_proj"},
    {"ssm_conv1d", "mamba.conv1d"},
    {"ssm_dt.bias", "mamba.dt_bias"},
    {"ssm_a", "mamba.A"},
    {"ssm_d", "mamba.D"},
    {"ssm_norm", "mamba.norm"},
    {"ssm_out", "mamba.out_proj"},
    {"ffn_gate_inp", "block_sparse_moe.router.layer"},
    {"ffn_gate_exps", "block_sparse_moe.*.gate_proj"},
    {"ffn_up_exps", "block_sparse_moe.*.up_proj"},
    {"ffn_down_exps", "block_sparse_moe.*.down_proj"},
    {"ffn_gate_shexp", "shared_mlp.gate_proj"},
    {"ffn_up_shexp", "shared_mlp.up_proj"},
    {"ffn_down_shexp", "shared_mlp.output_linear"},
    // Where there are no experts.
    {"ffn_gate", "shared_mlp.gate_proj"},
    {"ffn_up", "shared_mlp.up_proj"},
    {"ffn_down", "shared_mlp.output_linear"},
};

static void readGguf(GgufFields &f) {
  readGgufMamba2Hybrid(f, /*partRotates=*/false);
  f.set("position_embedding_type", "nope", "general.architecture");
  readGgufMultipliers(f);

  std::string experts = f.key("expert_count");
  bool mixed = f.file.find(experts) && f.file.getInteger(experts) != 0;
  f.config.expertsField = "num_local_experts";
  f.config.experts = mixed ? f.positive("expert_count", kMaxExperts) : 0;
  f.set("num_local_experts", f.config.experts, experts);
  if (mixed)
    f.copy("expert_used_count", "num_experts_per_tok");
  const char *field = "shared_intermediate_size";
  std::string width = f.key("expert_shared_feed_forward_length");
  if (f.file.find(width))
    f.copy("expert_shared_feed_forward_length", field);
  else if (mixed)
    f.set(field, 0, width);
  else
    f.copy("feed_forward_length", field);
}

static void writeGguf(GgufKeys &k) {
  writeGgufMamba2Hybrid(k, /*share=*/0);
  writeGgufMultipliers(k);
  if (k.size("rotary_dim"))
    k.config.error("position_embedding_type",
                   "\"nope\", as the readers of GGUF files take it to be");
  int64_t experts = k.size("num_local_experts");
  k.integer("rope.dimension_count", k.size("head_dim"));
  k.integer("expert_count", experts);
  k.integer("expert_used_count", k.size("num_experts_per_tok"));
  int64_t shared = k.size("shared_intermediate_size");
  if (!experts)
    k.integer("feed_forward_length", shared);
  else if (shared)
    k.integer("expert_shared_feed_forward_length", shared);
}

Family graniteMoeHybridFamily() {
  return {"granitemoehybrid",
          planGraniteMoeHybrid,
          {/*architecture=*/"granitehybrid", /*claims=*/nullptr, readGguf,
           writeGguf, GgufNames("model.layers.", kGgufModelNorm, kInLayer),
           /*zeroIsNone=*/true, /*alsoCalled=*/"", /*vectorMixers=*/true}};
}

} // namespace mlir::marimba
