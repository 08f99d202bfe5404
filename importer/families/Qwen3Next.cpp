//===- Qwen3Next.cpp - Qwen3-Next -------------------------------*- C++ -*-===//
//
// Part of Marimba. Qwen 2025: three layers of gated delta nets to one of gated
// attention, each with hundreds of experts. Rows of the mixers' projections lie
// together by key head.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/GatedDeltaModel.h"
#include "importer/families/FamilyRegistry.h"

namespace mlir::marimba {

static constexpr GatedDeltaDefaults kDefaults = {
    /*vocab=*/151936, /*hidden=*/2048, /*layers=*/48,
    /*keyHeads=*/2,
    /*experts=*/512,  /*topK=*/10,     /*byKeyHead=*/true};

static LogicalResult planQwen3Next(MLIRContext &, Config &file,
                                   WeightTable &weights, ModelPlan &plan,
                                   ModelInfo &info) {
  GatedDeltaModel model;
  model.read(file, kDefaults);
  model.readExperts(file, kDefaults);
  model.intermediate = file.getPositive("intermediate_size", 5632, kMaxSize);
  model.routing.normalize = file.getBool("norm_topk_prob", true);
  int64_t step = file.getPositive("decoder_sparse_step", 1, kMaxLayers);
  std::vector<int64_t> dense = file.getIndices("mlp_only_layers", model.layers);
  for (int64_t i = 0; i < model.layers; ++i)
    model.isDense[i] = model.experts == 0 || (i + 1) % step != 0 ||
                       llvm::is_contained(dense, i);
  if (model.experts)
    checkExperts(file, "num_experts", model.experts, model.routing.topK,
                 llvm::count(model.isDense, false));
  if (failed(file.result()))
    return failure();
  model.plan(file, weights, plan, info);
  return success();
}

/// llama.cpp's converter cuts in_proj_qkvz in two and puts the rows of each in
/// the order of Qwen3.5; before it did it left the matrix as ssm_in.
static const GgufName kInLayer[] = {
    {"attn_norm", "input_layernorm"},
    {"post_attention_norm", "post_attention_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"attn_qkv", "linear_attn.in_proj_qkv"},
    {"attn_gate", "linear_attn.in_proj_z"},
    {"ssm_in", "linear_attn.in_proj_qkvz"},
    {"ssm_ba", "linear_attn.in_proj_ba"},
    {"ssm_conv1d", "linear_attn.conv1d"},
    {"ssm_a", "linear_attn.A"},
    {"ssm_dt.bias", "linear_attn.dt_bias"},
    {"ssm_norm", "linear_attn.norm"},
    {"ssm_out", "linear_attn.out_proj"},
    {"ffn_gate_inp", "mlp.gate"},
    {"ffn_gate_exps", "mlp.experts.*.gate_proj"},
    {"ffn_up_exps", "mlp.experts.*.up_proj"},
    {"ffn_down_exps", "mlp.experts.*.down_proj"},
    {"ffn_gate_inp_shexp", "mlp.shared_expert_gate"},
    {"ffn_gate_shexp", "mlp.shared_expert.gate_proj"},
    {"ffn_up_shexp", "mlp.shared_expert.up_proj"},
    {"ffn_down_shexp", "mlp.shared_expert.down_proj"},
};

static void readGguf(GgufFields &f) {
  readGgufGatedDelta(f);
  readGgufGatedExperts(f);
}

Family qwen3NextFamily() {
  return {"qwen3_next",
          planQwen3Next,
          {/*architecture=*/"qwen3next", /*claims=*/nullptr, readGguf,
           writeGgufGatedDelta,
           GgufNames("model.layers.", kGgufModelNorm, kInLayer)}};
}

} // namespace mlir::marimba
