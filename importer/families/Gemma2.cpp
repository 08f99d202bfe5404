//===- Gemma2.cpp - The Gemma 2 family --------------------------*- C++ -*-===//
//
// Part of Marimba. Gemma 2: Gemma Team 2024; caps of scores and logits, and a
// window in every second layer.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/GemmaModel.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"

namespace mlir::marimba {

static LogicalResult planGemma2(MLIRContext &, Config &file,
                                WeightTable &weights, ModelPlan &plan,
                                ModelInfo &info) {
  TransformerModel model = readGemma(file, /*vocab=*/256000, /*softcap=*/30);
  model.rotations = {readRotation(file, model.attention.headDim, 1e4)};
  model.attention.rotary = model.rotations.front().size();
  model.attention.softcap = readSoftcap(file, "attn_logit_softcapping", 50);
  model.readWindows(file, [](int64_t i) { return i % 2 == 0; });
  if (failed(file.result()))
    return failure();
  model.plan(file, weights, plan, info);
  return success();
}

static void readGguf(GgufFields &f) {
  readGgufGemma(f, /*period=*/2, /*largest=*/46);
  f.copy("attn_logit_softcapping", "attn_logit_softcapping",
         /*required=*/false);
}

static void writeGguf(GgufKeys &k) {
  writeGgufGemma(k, /*period=*/2, /*largest=*/46);
  k.rotary(k.size("head_dim"), 1e4);
  if (double cap = readSoftcap(k.config, "attn_logit_softcapping", 50))
    k.real("attn_logit_softcapping", cap);
  if (double cap = readSoftcap(k.config, "final_logit_softcapping", 30))
    k.real("final_logit_softcapping", cap);
}

Family gemma2Family() {
  return {"gemma2",
          planGemma2,
          {/*architecture=*/"gemma2", /*claims=*/nullptr, readGguf, writeGguf,
           GgufNames("model.layers.", kGgufModelNorm, kGgufGemmaLayer)}};
}

} // namespace mlir::marimba
