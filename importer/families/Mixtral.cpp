//===- Mixtral.cpp - The Mixtral family -------------------------*- C++ -*-===//
//
// Part of Marimba. Mixtral: Jiang et al. 2024; Llama with a mixture of experts
// in every layer and, in some models, a sliding window.
//
//===----------------------------------------------------------------------===//

#include "importer/families/FamilyRegistry.h"
#include "importer/families/TransformerModel.h"

namespace mlir::marimba {

LogicalResult planMixtral(MLIRContext &, Config &file, WeightTable &weights,
                          ModelPlan &plan, ModelInfo &info) {
  TransformerModel model;
  model.read(file, {/*intermediate=*/14336, /*keyHeads=*/8, /*epsilon=*/1e-5,
                    /*theta=*/1e6});
  model.attention.window = file.getPositiveOrNone("sliding_window", INT32_MAX);
  model.experts = file.getPositive("num_local_experts", 8, kMaxExperts);
  model.topK = file.getPositive("num_experts_per_tok", 2, kMaxExperts);
  model.expertNames = {"block_sparse_moe",
                       "block_sparse_moe.gate",
                       "block_sparse_moe.experts",
                       "w1",
                       "w3",
                       "w2"};
  checkExperts(file, "num_local_experts", model.experts, model.topK,
               model.layers);
  if (failed(file.result()))
    return failure();
  model.plan(file, weights, plan, info);
  return success();
}

} // namespace mlir::marimba
