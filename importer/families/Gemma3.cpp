//===- Gemma3.cpp - The Gemma 3 family --------------------------*- C++ -*-===//
//
// Part of Marimba. Gemma 3: Gemma Team 2025; norms of each head's queries and
// keys, a window in five of six layers, whose heads turn by another base.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/GemmaModel.h"
#include "importer/families/FamilyRegistry.h"
#include "importer/gguf/GgufKeys.h"

namespace mlir::marimba {

/// Of layers without and with a window: objects of rope_parameters, or before
/// transformers 5 the fields of all models and rope_local_base_freq.
static std::vector<Rotation> readRotations(Config &c, int64_t headDim) {
  constexpr double global = 1e6, local = 1e4;
  const llvm::json::Value *parameters = c.find("rope_parameters");
  if (parameters && parameters->getAsObject())
    c.flatten("rope_parameters");
  StringRef full = "rope_parameters.full_attention";
  StringRef sliding = "rope_parameters.sliding_attention";
  if (c.find(full) || c.find(sliding))
    return {readRotation(c, headDim, global, 1, full),
            readRotation(c, headDim, local, 1, sliding)};
  double theta = c.getPositiveReal("rope_local_base_freq", local);
  return {readRotation(c, headDim, global), plainRotation(theta, headDim)};
}

/// Fields and tensors of the text.
static LogicalResult planText(Config &file, WeightTable &weights,
                              ModelPlan &plan, ModelInfo &info,
                              StringRef module) {
  TransformerModel model = readGemma(file, /*vocab=*/262208, /*softcap=*/0);
  model.module = module;
  model.attention.norm = QueryKeyNorm::OfHeads;
  model.rotations = readRotations(file, model.attention.headDim);
  model.attention.rotary = model.rotations.front().size();
  StringRef pattern =
      file.spelling("sliding_window_pattern", {"_sliding_window_pattern"});
  int64_t period = file.getPositive(pattern, 6, kMaxLayers);
  model.readWindows(file, [&](int64_t i) { return (i + 1) % period != 0; });
  if (failed(file.result()))
    return failure();
  model.plan(file, weights, plan, info);
  return success();
}

static LogicalResult planGemma3Text(MLIRContext &, Config &file,
                                    WeightTable &weights, ModelPlan &plan,
                                    ModelInfo &info) {
  return planText(file, weights, plan, info, "model");
}

/// With a part for images, which is set aside. transformers 5 writes the first
/// name, published files have the second.
static LogicalResult planGemma3(MLIRContext &, Config &file,
                                WeightTable &weights, ModelPlan &plan,
                                ModelInfo &info) {
  StringRef module = "model.language_model", older = "language_model.model";
  if (weights.has((older + ".embed_tokens.weight").str()))
    module = older;
  size_t images =
      weights.setAside({"vision_tower.", "multi_modal_projector.",
                        "model.vision_tower.", "model.multi_modal_projector."});
  if (images)
    info.notes.push_back(
        weights.file().str() + ": " + std::to_string(images) +
        " tensors of the vision part set aside: images are not "
        "read, text only");
  return planText(file, weights, plan, info, module);
}

static void readGguf(GgufFields &f) {
  readGgufGemma(f, /*period=*/6, /*largest=*/62);
  std::string base = f.key("rope.freq_base_swa");
  if (f.file.find(base))
    f.copy("rope.freq_base_swa", "rope_local_base_freq");
}

static void writeGguf(GgufKeys &k) {
  constexpr double global = 1e6, local = 1e4;
  writeGgufGemma(k, /*period=*/6, /*largest=*/62);
  Config &c = k.config;
  c.flatten("rope_parameters");
  StringRef full = "rope_parameters.full_attention";
  std::string sliding = "rope_parameters.sliding_attention";
  bool both = c.find(full) || c.find(sliding);
  k.rotary(k.size("head_dim"), global, 1, both ? full : "");
  if (both)
    c.flatten(sliding);
  std::string base = both ? sliding + ".rope_theta" : "rope_local_base_freq";
  k.real("rope.freq_base_swa", c.getPositiveReal(base, local));
  if (double cap = readSoftcap(c, "final_logit_softcapping", 0))
    k.real("final_logit_softcapping", cap);
}

Family gemma3TextFamily() {
  return {"gemma3_text",
          planGemma3Text,
          {/*architecture=*/"gemma3", /*claims=*/nullptr, readGguf, writeGguf,
           GgufNames("model.layers.", kGgufModelNorm, kGgufGemmaLayer)}};
}

Family gemma3Family() {
  return {"gemma3", planGemma3, noGguf(), /*isUntyped=*/nullptr,
          /*nested=*/"text_config"};
}

} // namespace mlir::marimba
