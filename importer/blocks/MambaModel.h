//===- MambaModel.h - Models of nothing but Mamba mixers --------*- C++ -*-===//
//
// Part of Marimba. What families of these share: x = x + mixer(norm(x)) in
// every layer, the names of tensors and of most fields.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_MAMBAMODEL_H
#define MARIMBA_IMPORTER_BLOCKS_MAMBAMODEL_H

#include "importer/blocks/Mamba2Weights.h"
#include "importer/blocks/MambaWeights.h"
#include "importer/gguf/GgufFields.h"
#include "importer/hub/Config.h"

namespace mlir::marimba {

/// A model as its config describes it; `...Field` are the names of the fields
/// that messages speak of.
struct MambaModel {
  StringRef kind; // of its layers
  int64_t vocab = 0, hidden = 0, layers = 0;
  double epsilon = 0; // of the norms of layers and head
  bool tied = true;
  MambaMixer mixer;
  std::optional<Mamba2Mixer> mixer2; // instead of `mixer`
  /// How the embedding is called on disk, the usual name first.
  std::vector<std::string> embeddingNames{"backbone.embeddings.weight",
                                          "backbone.embedding.weight"};
  StringRef vocabField = "vocab_size", hiddenField = "hidden_size";
  StringRef layersField = "num_hidden_layers";
  StringRef tiedField = "tie_word_embeddings";
  int64_t eosId = 0, padId = 0; // of a config that does not say

  /// What a class says where the config does not; here Mamba-1's.
  struct Defaults {
    int64_t hidden = 768, layers = 32, vocab = 50280;
    bool tied = true;
  };
  /// Reads the fields of Hugging Face's spelling that are not of the mixer.
  void readCommon(Config &config, const Defaults &defaults);
  /// Reads all fields of that spelling. Ask `config.result()`.
  void read(Config &config);
  /// Reads those of the state-spaces repository that are not of the mixer, with
  /// its defaults; "ssm_cfg.NAME" can be read then.
  void readStateSpaces(Config &config);
  /// The mixer's inner width from `expand` of the config.
  void setInner(Config &config, double expand);

  /// Plans all of the model once its fields are read.
  void plan(Config &config, WeightTable &weights, ModelPlan &plan,
            ModelInfo &info) const;

private:
  LayerPlan planLayer(WeightTable &weights, int64_t index) const;
};

/// Whether the config is one of the state-spaces repository, which names no
/// family.
bool isStateSpaces(const Config &config);

/// The width of layer 0's mixer in the checkpoint, if it can be told.
std::optional<int64_t> findMambaInner(const WeightTable &weights);

/// Of GGUF files: GgufFamily::read, write and names.
void readGgufMamba(GgufFields &fields);
void writeGgufMamba(GgufKeys &keys);
GgufNames ggufMambaNames();

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_MAMBAMODEL_H
