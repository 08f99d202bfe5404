//===- Bamba.cpp - The Bamba family -----------------------------*- C++ -*-===//
//
// Part of Marimba. Bamba: IBM, Princeton, CMU and UIUC 2024; Mamba-2 mixers
// with some layers of attention whose heads turn by half, dense feed-forwards.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/Mamba2Hybrid.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"
#include "importer/hub/RotaryConfig.h"

namespace mlir::marimba {

static LogicalResult planBamba(MLIRContext &, Config &file,
                               WeightTable &weights, ModelPlan &plan,
                               ModelInfo &info) {
  Mamba2Hybrid model;
  model.read(file, {/*vocab=*/128000, /*keyHeads=*/8, /*epsilon=*/1e-5});
  model.padId = 0;
  model.tied = file.getBool("tie_word_embeddings", false);
  model.intermediate = file.getPositive("intermediate_size", 14336, kMaxSize);
  model.feedForwardBias = file.getBool("mlp_bias", false);
  model.feedForwardNorm = "pre_ff_layernorm";
  model.lastNorm = "final_layernorm";
  model.feedForward = "feed_forward";
  // transformers 5 may write the kinds of all layers instead.
  model.readLayerTypes(file,
                       file.spelling("layer_types", {"layers_block_type"}));
  if (file.find("attn_layer_indices")) {
    model.layersField = "attn_layer_indices";
    model.isAttention.assign(model.layers, false);
    for (int64_t i : file.getIndices("attn_layer_indices", model.layers))
      model.isAttention[i] = true;
  }
  checkAttention(file, model.hidden, model.attention);
  model.rotation = readRotation(file, model.attention.headDim, 10000.0, 0.5);
  model.attention.rotary = model.rotation->size();
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
    {"ffn_norm", "pre_ff_layernorm"},
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
    {"ffn_gate", "feed_forward.gate_proj"},
    {"ffn_up", "feed_forward.up_proj"},
    {"ffn_down", "feed_forward.down_proj"},
};

/// llama.cpp has Bamba as a Granite 4 with rotary positions.
static bool claimsGguf(const GgufFile &file) {
  return file.getBool("granitehybrid.rope.scaling.finetuned").value_or(false);
}

static void readGguf(GgufFields &f) {
  readGgufMamba2Hybrid(f, /*partRotates=*/true);
}

static void writeGguf(GgufKeys &k) { writeGgufMamba2Hybrid(k, /*share=*/0.5); }

Family bambaFamily() {
  return {"bamba",
          planBamba,
          {/*architecture=*/"granitehybrid", claimsGguf, readGguf, writeGguf,
           GgufNames("model.layers.", kGgufFinalLayernorm, kInLayer),
           /*zeroIsNone=*/true, /*alsoCalled=*/"", /*vectorMixers=*/true}};
}

} // namespace mlir::marimba
