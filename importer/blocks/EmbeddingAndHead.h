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

/// How a family names what takeHead() looks for; the fields of its config are
/// for messages.
struct HeadNames {
  StringRef module = "model";              // on disk
  StringRef norm;                          // the last one, in `module`
  StringRef layerNorm = "input_layernorm"; // that every layer has
  StringRef layersField = "num_hidden_layers";
  StringRef tiedField = "tie_word_embeddings";
  int64_t draftLayers = 0; // of the checkpoint, behind those that are planned
};

/// Takes the embedding, whose names on disk are `names`. One that is the head,
/// too, may be stored as that alone.
Weight takeEmbedding(WeightTable &weights, StringRef symbol,
                     std::vector<std::string> names, Dim vocab, Dim hidden,
                     bool tied);

/// Takes the last norm and, unless the embedding is the head, the head. Reports
/// a checkpoint that has more layers than planned; `configFile` said how many.
void takeHead(ModelPlan &plan, WeightTable &weights, const HeadNames &names,
              Dim vocab, Dim hidden, bool tied, StringRef configFile);

/// Sets the tokens that the config does not mention to what the family's class
/// says; one that is null is none.
void setDefaultTokens(const Config &config, ModelInfo &info,
                      std::optional<int64_t> eos, std::optional<int64_t> bos,
                      std::optional<int64_t> pad = {});

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_EMBEDDINGANDHEAD_H
