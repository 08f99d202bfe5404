//===- Granite.cpp - The Granite family -------------------------*- C++ -*-===//
//
// Part of Marimba. Granite 3: IBM 2024; Llama with multipliers. Granite 4
// without mixers, as GGUF files have it, is the same without positions.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/TransformerModel.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"

namespace mlir::marimba {

static LogicalResult planGranite(MLIRContext &, Config &file,
                                 WeightTable &weights, ModelPlan &plan,
                                 ModelInfo &info) {
  TransformerModel model;
  bool turns = file.getBool("has_positions", true);
  model.read(file, {/*intermediate=*/11008, /*keyHeads=*/0, /*epsilon=*/1e-6,
                    /*theta=*/turns ? 1e4 : 0});
  model.readMultipliers(file);
  model.attentionBias = file.getBool("attention_bias", false);
  model.feedForwardBias = file.getBool("mlp_bias", false);
  if (failed(file.result()))
    return failure();
  model.plan(file, weights, plan, info);
  return success();
}

static void readGguf(GgufFields &f) {
  readGgufTransformer(f);
  readGgufMultipliers(f);
  // Which says whether heads turn.
  std::string turns = f.key("rope.scaling.finetuned");
  if (f.file.find(turns))
    f.copy("rope.scaling.finetuned", "has_positions");
}

static void writeGguf(GgufKeys &k) {
  writeGgufTransformer(k, /*theta=*/1e4);
  writeGgufMultipliers(k);
}

Family graniteFamily() {
  return {"granite",
          planGranite,
          {/*architecture=*/"granite", /*claims=*/nullptr, readGguf, writeGguf,
           GgufNames("model.layers.", kGgufModelNorm, kGgufTransformerLayer)}};
}

} // namespace mlir::marimba
