//===- Qwen35.cpp - Qwen3.5 -------------------------------------*- C++ -*-===//
//
// Part of Marimba. Qwen 2026: Qwen3-Next's layers with projections in the usual
// order, dense or with experts. Published files have a vision part, too, and
// the fields of the text in an object of their own.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/GatedDeltaModel.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"

namespace mlir::marimba {

static constexpr GatedDeltaDefaults kDense = {
    /*vocab=*/248320, /*hidden=*/4096, /*layers=*/32, /*keyHeads=*/4};
static constexpr GatedDeltaDefaults kMoe = {
    /*vocab=*/248320, /*hidden=*/2048, /*layers=*/40,
    /*keyHeads=*/2,   /*experts=*/256, /*topK=*/8};

/// What names of tensors begin with: a text model may be saved with a vision
/// part's spelling, and the other way round.
static StringRef chooseModule(const WeightTable &weights, bool hasVision) {
  StringRef names[] = {"model", "model.language_model"};
  StringRef usual = names[hasVision], other = names[!hasVision];
  auto has = [&](StringRef module) {
    return weights.has((module + ".norm.weight").str());
  };
  return has(other) && !has(usual) ? other : usual;
}

static LogicalResult planModel(Config &file, WeightTable &weights,
                               ModelPlan &plan, ModelInfo &info, bool isMoe,
                               bool hasVision) {
  GatedDeltaModel model;
  model.read(file, isMoe ? kMoe : kDense);
  if (isMoe) {
    model.readExperts(file, kMoe);
    if (!model.experts)
      file.error("num_experts", "a positive integer");
    checkExperts(file, "num_experts", model.experts, model.routing.topK,
                 model.layers);
  } else {
    model.intermediate = file.getPositive("intermediate_size", 12288, kMaxSize);
  }
  if (failed(file.result()))
    return failure();
  model.plan(file, weights, plan, info, chooseModule(weights, hasVision));
  return success();
}

template <bool isMoe, bool hasVision>
static LogicalResult planQwen35(MLIRContext &, Config &file,
                                WeightTable &weights, ModelPlan &plan,
                                ModelInfo &info) {
  return planModel(file, weights, plan, info, isMoe, hasVision);
}

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
    {"ssm_beta", "linear_attn.in_proj_b"},
    {"ssm_alpha", "linear_attn.in_proj_a"},
    {"ssm_conv1d", "linear_attn.conv1d"},
    {"ssm_a", "linear_attn.A"},
    {"ssm_dt.bias", "linear_attn.dt_bias"},
    {"ssm_norm", "linear_attn.norm"},
    {"ssm_out", "linear_attn.out_proj"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
    {"ffn_gate_inp", "mlp.gate"},
    {"ffn_gate_exps", "mlp.experts.*.gate_proj"},
    {"ffn_up_exps", "mlp.experts.*.up_proj"},
    {"ffn_down_exps", "mlp.experts.*.down_proj"},
    {"ffn_gate_inp_shexp", "mlp.shared_expert_gate"},
    {"ffn_gate_shexp", "mlp.shared_expert.gate_proj"},
    {"ffn_up_shexp", "mlp.shared_expert.up_proj"},
    {"ffn_down_shexp", "mlp.shared_expert.down_proj"},
};

/// llama.cpp's converter reorders the value heads: j reads key head j % hk.
static void readGgufMixers(GgufFields &f) {
  readGgufGatedDelta(f);
  f.set("tiled_value_heads", true, "general.architecture");
}

static void readGgufDense(GgufFields &f) {
  readGgufMixers(f);
  f.copy("feed_forward_length", "intermediate_size");
}

static void readGgufMoe(GgufFields &f) {
  readGgufMixers(f);
  readGgufGatedExperts(f);
}

static void writeGguf(GgufKeys &k) {
  writeGgufGatedDelta(k);
  // Texts have one position only, whatever its sections.
  std::vector<int64_t> sections;
  if (const llvm::json::Value *value =
          k.config.find("rope_parameters.mrope_section"))
    if (const llvm::json::Array *list = value->getAsArray())
      for (const llvm::json::Value &each : *list)
        sections.push_back(each.getAsInteger().value_or(0));
  if (sections.empty())
    sections.push_back(k.size("rotary_dim") / 2);
  sections.resize(4);
  k.metadata.setIntegers(k.key("rope.dimension_sections"), sections);
}

static constexpr StringLiteral kText = "text_config";

Family qwen35TextFamily() {
  return {"qwen3_5_text",
          planQwen35</*isMoe=*/false, /*hasVision=*/false>,
          {/*architecture=*/"qwen35", /*claims=*/nullptr, readGgufDense,
           writeGguf, GgufNames("model.layers.", kGgufModelNorm, kInLayer)}};
}

Family qwen35Family() {
  return {"qwen3_5", planQwen35</*isMoe=*/false, /*hasVision=*/true>, noGguf(),
          /*isUntyped=*/nullptr, kText};
}

Family qwen35MoeTextFamily() {
  return {"qwen3_5_moe_text",
          planQwen35</*isMoe=*/true, /*hasVision=*/false>,
          {/*architecture=*/"qwen35moe", /*claims=*/nullptr, readGgufMoe,
           writeGguf, GgufNames("model.layers.", kGgufModelNorm, kInLayer)}};
}

Family qwen35MoeFamily() {
  return {"qwen3_5_moe", planQwen35</*isMoe=*/true, /*hasVision=*/true>,
          noGguf(), /*isUntyped=*/nullptr, kText};
}

} // namespace mlir::marimba
