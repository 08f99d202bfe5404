//===- Qwen2.cpp - The Qwen2 family -----------------------------*- C++ -*-===//
//
// Part of Marimba. Qwen2: Yang et al. 2024; Llama with biases of queries, keys
// and values and, in some models, a sliding window in the upper layers. Qwen2.5
// is the same.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/TransformerModel.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"

namespace mlir::marimba {

static LogicalResult planQwen2(MLIRContext &, Config &file,
                               WeightTable &weights, ModelPlan &plan,
                               ModelInfo &info) {
  TransformerModel model;
  TransformerDefaults defaults{/*intermediate=*/22016, /*keyHeads=*/32,
                               /*epsilon=*/1e-6, /*theta=*/1e4};
  defaults.vocab = 151936;
  model.read(file, defaults);
  model.readUpperWindows(file);
  model.attentionBias = true;
  model.outputBias = false;
  model.eos = model.bos = std::nullopt;
  if (failed(file.result()))
    return failure();
  model.plan(file, weights, plan, info);
  return success();
}

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

Family qwen2Family() {
  return {"qwen2",
          planQwen2,
          {/*architecture=*/"qwen2", /*claims=*/nullptr, readGguf, writeGguf,
           GgufNames("model.layers.", kGgufModelNorm, kGgufTransformerLayer)}};
}

} // namespace mlir::marimba
