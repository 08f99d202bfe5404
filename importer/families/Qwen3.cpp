//===- Qwen3.cpp - The Qwen3 family -----------------------------*- C++ -*-===//
//
// Part of Marimba. Qwen3: Yang et al. 2025; Llama with heads of a size of their
// own and norms of each head's queries and keys.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/TransformerModel.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"

namespace mlir::marimba {

static LogicalResult planQwen3(MLIRContext &, Config &file,
                               WeightTable &weights, ModelPlan &plan,
                               ModelInfo &info) {
  TransformerModel model;
  TransformerDefaults defaults{/*intermediate=*/22016, /*keyHeads=*/32,
                               /*epsilon=*/1e-6, /*theta=*/1e4};
  defaults.vocab = 151936;
  defaults.headDim = 128;
  model.read(file, defaults);
  model.readUpperWindows(file);
  model.attention.norm = QueryKeyNorm::OfHeads;
  model.attentionBias = file.getBool("attention_bias", false);
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
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};

static void readGguf(GgufFields &f) {
  readGgufTransformer(f);
  // Rows of queries and keys are as in the checkpoint.
  f.config.queryHeads = f.config.keyHeads = 0;
}

static void writeGguf(GgufKeys &k) {
  writeGgufTransformer(k, /*theta=*/1e4);
  if (k.size("sliding_window"))
    k.config.error("use_sliding_window",
                   "false, as a GGUF file has no windows of this family");
}

Family qwen3Family() {
  return {"qwen3",
          planQwen3,
          {/*architecture=*/"qwen3", /*claims=*/nullptr, readGguf, writeGguf,
           GgufNames("model.layers.", kGgufModelNorm, kInLayer)}};
}

} // namespace mlir::marimba
