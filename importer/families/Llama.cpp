//===- Llama.cpp - The Llama family -----------------------------*- C++ -*-===//
//
// Part of Marimba. Llama: Touvron et al. 2023; attention with rotary positions
// and a gated feed-forward in every layer.
//
//===----------------------------------------------------------------------===//

#include "importer/families/FamilyRegistry.h"
#include "importer/families/TransformerModel.h"

namespace mlir::marimba {

LogicalResult planLlama(MLIRContext &, Config &file, WeightTable &weights,
                        ModelPlan &plan, ModelInfo &info) {
  TransformerModel model;
  model.read(file, {/*intermediate=*/11008, /*keyHeads=*/0, /*epsilon=*/1e-6,
                    /*theta=*/1e4});
  model.attentionBias = file.getBool("attention_bias", false);
  model.feedForwardBias = file.getBool("mlp_bias", false);
  if (failed(file.result()))
    return failure();
  model.plan(file, weights, plan, info);
  return success();
}

} // namespace mlir::marimba
