//===- Qwen3Moe.cpp - The Qwen3-MoE family ----------------------*- C++ -*-===//
//
// Part of Marimba. Qwen3-MoE: Yang et al. 2025; Qwen3 with a mixture of experts
// in all layers, or in all but some.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/TransformerModel.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"

namespace mlir::marimba {

/// Layer i has experts where i + 1 is a multiple of the step, unless it is
/// listed.
static void readSparse(TransformerModel &model, Config &c) {
  int64_t step = c.getPositive("decoder_sparse_step", 1, kMaxLayers);
  for (int64_t i = 0; i < model.layers; ++i)
    model.sparse.push_back((i + 1) % step == 0);
  for (int64_t i : c.getIndices("mlp_only_layers", model.layers))
    model.sparse[i] = false;
}

static LogicalResult planQwen3Moe(MLIRContext &, Config &file,
                                  WeightTable &weights, ModelPlan &plan,
                                  ModelInfo &info) {
  TransformerModel model;
  TransformerDefaults defaults{/*intermediate=*/6144, /*keyHeads=*/4,
                               /*epsilon=*/1e-6, /*theta=*/1e4};
  defaults.vocab = 151936;
  defaults.hidden = 2048;
  defaults.layers = 24;
  model.read(file, defaults);
  if (file.getBool("use_sliding_window", false)) // in all layers
    model.readWindow(file);
  model.attention.norm = QueryKeyNorm::OfHeads;
  model.attentionBias = file.getBool("attention_bias", false);

  // transformers 5 writes the second name.
  model.expertsField = file.spelling("num_experts", {"num_local_experts"});
  model.experts = file.getPositive(model.expertsField, 128, kMaxExperts);
  model.expertIntermediateField = "moe_intermediate_size";
  model.expertIntermediate =
      file.getPositive(model.expertIntermediateField, 768, kMaxSize);
  model.routing.topK = file.getPositive("num_experts_per_tok", 8, kMaxExperts);
  model.routing.normalize = file.getBool("norm_topk_prob", false);
  model.expertNames = {"mlp", "mlp.gate", "mlp.experts"};
  readSparse(model, file);
  checkExperts(file, model.expertsField, model.experts, model.routing.topK,
               llvm::count(model.sparse, true));
  model.eos = model.bos = std::nullopt;
  if (failed(file.result()))
    return failure();
  model.plan(file, weights, plan, info);
  return success();
}

static const GgufName kInLayer[] = {
    {"attn_norm", "input_layernorm"},
    {"ffn_norm", "post_attention_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"ffn_gate_inp", "mlp.gate"},
    {"ffn_gate_exps", "mlp.experts.*.gate_proj"},
    {"ffn_up_exps", "mlp.experts.*.up_proj"},
    {"ffn_down_exps", "mlp.experts.*.down_proj"},
};

static void readGguf(GgufFields &f) {
  readGgufTransformer(f);
  // Rows of queries and keys are as in the checkpoint.
  f.config.queryHeads = f.config.keyHeads = 0;
  f.config.expertsField = "num_experts";
  f.config.experts = f.positive("expert_count", kMaxExperts);
  f.copy("expert_count", "num_experts");
  f.copy("expert_used_count", "num_experts_per_tok");
  f.copy("expert_feed_forward_length", "moe_intermediate_size");
  // Not in the file, and what llama.cpp does.
  f.set("norm_topk_prob", true, "general.architecture");
}

static void writeGguf(GgufKeys &k) {
  writeGgufTransformer(k, /*theta=*/1e4);
  if (k.size("sliding_window"))
    k.config.error("use_sliding_window",
                   "false, as a GGUF file has no windows of this family");
  // One of these is there.
  k.sizes({{"expert_count", "num_experts"},
           {"expert_count", "num_local_experts"},
           {"expert_used_count", "num_experts_per_tok"},
           {"expert_feed_forward_length", "moe_intermediate_size"}});
  if (!k.config.getBool("norm_topk_prob", false))
    k.config.error("norm_topk_prob",
                   "true, as the readers of GGUF files take it to be");
}

Family qwen3MoeFamily() {
  return {"qwen3_moe",
          planQwen3Moe,
          {/*architecture=*/"qwen3moe", /*claims=*/nullptr, readGguf, writeGguf,
           GgufNames("model.layers.", kGgufModelNorm, kInLayer)}};
}

} // namespace mlir::marimba
