//===- EmbeddingAndHead.cpp - Before and after the layers -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/EmbeddingAndHead.h"

namespace mlir::marimba {

static constexpr StringLiteral kHead = "lm_head.weight";

static Dim vocabOf(const ModelFrame &frame) {
  return {frame.vocab, frame.vocabField};
}
static Dim hiddenOf(const ModelFrame &frame) {
  return {frame.hidden, frame.hiddenField};
}

static Weight takeEmbedding(WeightTable &weights, const ModelFrame &frame) {
  std::vector<std::string> names = frame.embeddingNames;
  if (names.empty())
    names.push_back(
        (frame.names.module + "." + frame.embedding + ".weight").str());
  bool isThere = llvm::any_of(names, [&](const std::string &name) {
    return weights.has({name, name + ".codes"});
  });
  if (frame.tied && !isThere)
    names.push_back(kHead.str());
  return weights.getMatrix(frame.embedding, names,
                           {vocabOf(frame), hiddenOf(frame)});
}

static void takeHead(ModelPlan &plan, WeightTable &weights,
                     const ModelFrame &frame, StringRef configFile) {
  const HeadNames &names = frame.names;
  std::string base = names.module.str() + ".";
  size_t layers = plan.layers.size() + names.draftLayers;
  std::string beyond = base + "layers." + std::to_string(layers) + "." +
                       names.layerNorm.str() + ".weight";
  if (weights.has(beyond))
    weights.error("has a layer " + Twine(layers) + ", but " +
                  weights.fieldsInFile(names.layersField) + " of " +
                  configFile + " is " + Twine(layers));
  plan.finalNorm = weights.get(names.norm, base + names.norm.str() + ".weight",
                               hiddenOf(frame));
  if (!frame.tied)
    plan.head = weights.getMatrix(
        "lm_head", kHead.str(), {vocabOf(frame), hiddenOf(frame)},
        (" (" + names.tiedField + " of the config is false)").str());
}

void planFrame(ModelPlan &plan, ModelInfo &info, WeightTable &weights,
               const ModelFrame &frame, StringRef configFile,
               llvm::function_ref<LayerPlan(int64_t)> planLayer) {
  plan.vocabSize = frame.vocab;
  plan.hiddenSize = frame.hidden;
  plan.normEpsilon = frame.epsilon;
  info.tiedEmbeddings = frame.tied;
  info.normEpsilon = frame.epsilon;
  plan.embedding = takeEmbedding(weights, frame);
  for (int64_t i = 0; i < frame.layers; ++i)
    plan.layers.push_back(planLayer(i));
  takeHead(plan, weights, frame, configFile);
}

void setDefaultTokens(const Config &config, ModelInfo &info,
                      std::optional<int64_t> eos, std::optional<int64_t> bos,
                      std::optional<int64_t> pad) {
  if (eos && !config.has("eos_token_id"))
    info.eosIds = {*eos};
  if (!config.has("bos_token_id"))
    info.bosId = bos;
  if (!config.has("pad_token_id"))
    info.padId = pad;
}

} // namespace mlir::marimba
