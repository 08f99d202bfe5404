//===- EmbeddingAndHead.h - What is before and after the layers -*- C++ -*-===//
//
// Part of Marimba. What all families have before and after their layers.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_EMBEDDINGANDHEAD_H
#define MARIMBA_IMPORTER_BLOCKS_EMBEDDINGANDHEAD_H

#include "importer/ModelPlan.h"
#include "importer/hub/Config.h"

namespace mlir::marimba {

/// How a family names what planFrame() looks for; the fields of its config are
/// for messages.
struct HeadNames {
  StringRef module = "model";              // on disk
  StringRef norm = {};                     // the last one, in `module`
  StringRef layerNorm = "input_layernorm"; // that every layer has
  StringRef layersField = "num_hidden_layers";
  StringRef tiedField = "tie_word_embeddings";
  int64_t draftLayers = 0; // of the checkpoint, behind those that are planned
};

/// A model but for its layers.
struct ModelFrame {
  int64_t vocab = 0, hidden = 0, layers = 0;
  double epsilon = 0; // of the last norm
  bool tied = false;  // the embedding is the head, too
  HeadNames names = {};
  /// The embedding's symbol and its names on disk; without, it is called like
  /// its symbol in `names.module`. One that is the head may be stored as that
  /// alone.
  StringRef embedding = "embed_tokens";
  std::vector<std::string> embeddingNames = {};
  StringRef vocabField = "vocab_size", hiddenField = "hidden_size";
};

/// Plans the embedding, the layers as `planLayer` does, the last norm and,
/// unless the embedding is it, the head; takes their weights in this order.
/// Reports a checkpoint that has more layers than planned; `configFile` said
/// how many.
void planFrame(ModelPlan &plan, ModelInfo &info, WeightTable &weights,
               const ModelFrame &frame, StringRef configFile,
               llvm::function_ref<LayerPlan(int64_t)> planLayer);

/// Sets the tokens that the config does not mention to what the family's class
/// says; one that is null is none.
void setDefaultTokens(const Config &config, ModelInfo &info,
                      std::optional<int64_t> eos, std::optional<int64_t> bos,
                      std::optional<int64_t> pad = {});

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_EMBEDDINGANDHEAD_H
