//===- Llama.cpp - The Llama family -----------------------------*- C++ -*-===//
//
// Part of Marimba. Llama: Touvron et al. 2023; attention with rotary positions
// and a gated feed-forward in every layer.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/TransformerModel.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"

namespace mlir::marimba {

static LogicalResult planLlama(MLIRContext &, Config &file,
                               WeightTable &weights, ModelPlan &plan,
                               ModelInfo &info) {
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

static void readGguf(GgufFields &f) {
  readGgufTransformer(f);
  // A window that is as wide as the context hides nothing.
  int64_t window = readGgufWindow(f);
  int64_t context = f.file.getInteger(f.key("context_length")).value_or(0);
  if (window > 0 && (context <= 0 || window < context))
    f.keyError(f.key("attention.sliding_window"),
               "0: a window needs experts (mixtral)");
}

static void writeGguf(GgufKeys &k) { writeGgufTransformer(k, /*theta=*/1e4); }

Family llamaFamily() {
  return {"llama",
          planLlama,
          {/*architecture=*/"llama", /*claims=*/nullptr, readGguf, writeGguf,
           GgufNames("model.layers.", kGgufModelNorm, kGgufTransformerLayer)}};
}

} // namespace mlir::marimba
