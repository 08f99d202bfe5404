//===- EmbeddingAndHead.cpp - Before and after the layers -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/EmbeddingAndHead.h"

namespace mlir::marimba {

static constexpr StringLiteral kHead = "lm_head.weight";

Weight takeEmbedding(WeightTable &weights, StringRef symbol,
                     std::vector<std::string> names, Dim vocab, Dim hidden,
                     bool tied) {
  bool isThere = llvm::any_of(names, [&](const std::string &name) {
    return weights.has({name, name + ".codes"});
  });
  if (tied && !isThere)
    names.push_back(kHead.str());
  return weights.getMatrix(symbol, names, {vocab, hidden});
}

void takeHead(ModelPlan &plan, WeightTable &weights, const HeadNames &names,
              Dim vocab, Dim hidden, bool tied, StringRef configFile) {
  std::string base = names.module.str() + ".";
  size_t layers = plan.layers.size() + names.draftLayers;
  std::string beyond = base + "layers." + std::to_string(layers) + "." +
                       names.layerNorm.str() + ".weight";
  if (weights.has(beyond))
    weights.error("has a layer " + Twine(layers) + ", but " +
                  weights.fieldsInFile(names.layersField) + " of " +
                  configFile + " is " + Twine(layers));
  plan.finalNorm =
      weights.get(names.norm, base + names.norm.str() + ".weight", hidden);
  if (!tied)
    plan.head = weights.getMatrix(
        "lm_head", kHead.str(), {vocab, hidden},
        (" (" + names.tiedField + " of the config is false)").str());
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
