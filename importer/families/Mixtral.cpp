//===- Mixtral.cpp - The Mixtral family -------------------------*- C++ -*-===//
//
// Part of Marimba. Mixtral: Jiang et al. 2024; Llama with a mixture of experts
// in every layer and, in some models, a sliding window.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/TransformerModel.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"

namespace mlir::marimba {

static LogicalResult planMixtral(MLIRContext &, Config &file,
                                 WeightTable &weights, ModelPlan &plan,
                                 ModelInfo &info) {
  TransformerModel model;
  model.read(file, {/*intermediate=*/14336, /*keyHeads=*/8, /*epsilon=*/1e-5,
                    /*theta=*/1e6});
  model.attention.window = file.getPositiveOrNone("sliding_window", INT32_MAX);
  model.experts = file.getPositive("num_local_experts", 8, kMaxExperts);
  model.routing.topK = file.getPositive("num_experts_per_tok", 2, kMaxExperts);
  model.routing.normalize = true;
  model.expertIntermediate = model.intermediate;
  model.expertNames = {"block_sparse_moe",
                       "block_sparse_moe.gate",
                       "block_sparse_moe.experts",
                       "w1",
                       "w3",
                       "w2"};
  checkExperts(file, "num_local_experts", model.experts, model.routing.topK,
               model.layers);
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
    {"ffn_gate_inp", "block_sparse_moe.gate"},
    {"ffn_gate_exps", "block_sparse_moe.experts.*.w1"},
    {"ffn_up_exps", "block_sparse_moe.experts.*.w3"},
    {"ffn_down_exps", "block_sparse_moe.experts.*.w2"},
};

/// Its files are those of a llama with experts.
static bool claimsGguf(const GgufFile &file) {
  StringRef experts = "llama.expert_count";
  return file.find(experts) && file.getInteger(experts) != 0;
}

static void readGguf(GgufFields &f) {
  readGgufTransformer(f);
  int64_t window = readGgufWindow(f);
  f.config.expertsField = "num_local_experts";
  f.config.experts = f.positive("expert_count", kMaxExperts);
  f.copy("expert_count", "num_local_experts");
  f.copy("expert_used_count", "num_experts_per_tok");
  if (window > 0)
    f.copy("attention.sliding_window", "sliding_window");
}

static void writeGguf(GgufKeys &k) {
  writeGgufTransformer(k, /*theta=*/1e6);
  k.sizes({{"expert_count", "num_local_experts"},
           {"expert_used_count", "num_experts_per_tok"},
           {"attention.sliding_window", "sliding_window"}});
}

Family mixtralFamily() {
  return {"mixtral",
          planMixtral,
          {/*architecture=*/"llama", claimsGguf, readGguf, writeGguf,
           GgufNames("model.layers.", kGgufModelNorm, kInLayer)}};
}

} // namespace mlir::marimba
