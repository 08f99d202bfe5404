//===- GraniteMoeHybrid.cpp - The Granite 4 hybrid family -------*- C++ -*-===//
//
// Part of Marimba. Granite 4.0-H: IBM 2025; Mamba-2 mixers with some layers of
// attention, a shared feed-forward with or without a mixture of experts beside
// it, and multipliers.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/Mamba2Hybrid.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/hub/RotaryConfig.h"

namespace mlir::marimba {

static void readFeedForward(Mamba2Hybrid &model, Config &c) {
  model.experts = c.getNonNegative("num_local_experts", 8, kMaxExperts);
  model.topK = c.getPositive("num_experts_per_tok", 2, kMaxExperts);
  model.expertSize = c.getPositive("intermediate_size", 11008, kMaxSize);
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
  model.read(file, /*vocabulary=*/32000, /*layers=*/32);
  model.tied = file.getBool("tie_word_embeddings", false);
  readFeedForward(model, file);
  model.feedForwardNorm = "post_attention_layernorm";
  model.lastNorm = "norm";
  model.readLayerTypes(file, "layer_types");
  checkAttention(file, model.hidden, model.attention);

  // Multipliers, in transformers' class all 1.
  model.embeddingScale = file.getPositiveReal("embedding_multiplier", 1);
  model.residualScale = file.getPositiveReal("residual_multiplier", 1);
  model.attention.scale = file.getPositiveReal("attention_multiplier", 1);
  model.logitsScale = 1 / file.getPositiveReal("logits_scaling", 1);

  std::string positions = file.getString("position_embedding_type", "nope");
  if (positions == "rope") {
    model.frequencies =
        readRotaryFrequencies(file, model.attention.headDim, 10000.0);
    model.attention.rotary = 2 * int64_t(model.frequencies.size());
  } else if (positions != "nope") {
    file.error("position_embedding_type", "\"rope\" or \"nope\"");
  }
  if (failed(file.result()))
    return failure();
  model.plan(file, weights, plan, info);
  return success();
}

Family graniteMoeHybridFamily() {
  return {"granitemoehybrid", planGraniteMoeHybrid, noGguf()};
}

} // namespace mlir::marimba
