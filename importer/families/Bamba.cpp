//===- Bamba.cpp - The Bamba family -----------------------------*- C++ -*-===//
//
// Part of Marimba. Bamba: IBM, Princeton, CMU and UIUC 2024; Mamba-2 mixers
// with some layers of attention whose heads turn by half, dense feed-forwards.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/Mamba2Hybrid.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/hub/RotaryConfig.h"

namespace mlir::marimba {

static LogicalResult planBamba(MLIRContext &, Config &file,
                               WeightTable &weights, ModelPlan &plan,
                               ModelInfo &info) {
  Mamba2Hybrid model;
  model.read(file, /*vocabulary=*/128000, /*layers=*/32);
  model.tied = file.getBool("tie_word_embeddings", false);
  model.intermediate = file.getPositive("intermediate_size", 14336, kMaxSize);
  model.feedForwardBias = file.getBool("mlp_bias", false);
  model.feedForwardNorm = "pre_ff_layernorm";
  model.lastNorm = "final_layernorm";
  model.feedForward = "feed_forward";
  // transformers 5 may write the kinds of all layers instead.
  model.readLayerTypes(file, "layer_types");
  if (file.find("attn_layer_indices")) {
    model.layersField = "attn_layer_indices";
    model.isAttention.assign(model.layers, false);
    for (int64_t i : file.getIndices("attn_layer_indices", model.layers))
      model.isAttention[i] = true;
  }
  checkAttention(file, model.hidden, model.attention);
  model.frequencies =
      readRotaryFrequencies(file, model.attention.headDim, 10000.0, 0.5);
  model.attention.rotary = 2 * int64_t(model.frequencies.size());
  if (failed(file.result()))
    return failure();
  if (!file.has("pad_token_id"))
    info.padId = 0;
  model.plan(file, weights, plan, info);
  return success();
}

Family bambaFamily() { return {"bamba", planBamba, noGguf()}; }

} // namespace mlir::marimba
