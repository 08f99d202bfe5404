//===- Mamba2Hybrid.h - Mamba-2 mixers and attention by turns ---*- C++ -*-===//
//
// Part of Marimba. What families of these share: in every layer a mixer, which
// is Mamba-2 or attention, then a feed-forward, each after a norm and added to
// the residual stream; the names of fields and of the mixers' tensors.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_MAMBA2HYBRID_H
#define MARIMBA_IMPORTER_BLOCKS_MAMBA2HYBRID_H

#include "importer/blocks/AttentionWeights.h"
#include "importer/blocks/FeedForwardWeights.h"
#include "importer/blocks/Mamba2Weights.h"
#include "importer/gguf/GgufFields.h"

namespace mlir::marimba {

/// A model as its config describes it.
struct Mamba2Hybrid {
  int64_t vocab = 0, hidden = 0, layers = 0;
  double epsilon = 0; // of all norms
  bool tied = false;
  Mamba2Mixer mixer;
  AttentionSizes attention;
  bool attentionBias = false;
  std::optional<Rotation> rotation; // none: no positions
  std::vector<bool> isAttention;    // by layer
  StringRef layersField;            // that says so

  int64_t experts = 0, topK = 0, expertSize = 0; // 0 experts: none
  ExpertNames expertNames;
  StringRef expertsField = "num_local_experts";
  /// The width of the feed-forward, which is the shared one where there are
  /// experts; 0: none.
  int64_t intermediate = 0;
  StringRef intermediateField = "intermediate_size";
  bool feedForwardBias = false;

  /// Names on disk. Gate and up may be one matrix `gateUp`, gate rows first.
  StringRef feedForwardNorm, lastNorm, feedForward, down = "down_proj", gateUp;
  /// Factors of the embedding, of what each half of a layer adds, of logits.
  double embeddingScale = 1, residualScale = 1, logitsScale = 1;

  std::optional<int64_t> padId; // of a config that does not say

  /// What a class says where the config does not.
  struct Defaults {
    int64_t vocab;
    int64_t keyHeads; // 0: all heads
    double epsilon;
  };
  /// Reads the fields that all have.
  void read(Config &config, const Defaults &defaults);
  /// Reads which layers are attention as "full_attention" or "attention" in a
  /// list of the kinds of all layers.
  void readLayerTypes(Config &config, StringRef field);
  /// Plans all of the model once its fields are read.
  void plan(Config &config, WeightTable &weights, ModelPlan &plan,
            ModelInfo &info) const;

private:
  LayerPlan planLayer(WeightTable &weights, int64_t index,
                      StringRef configFile) const;
  void addFeedForward(LayerPlan &layer, WeightTable &weights) const;
  void confirm(const LayerPlan &layer, WeightTable &weights, int64_t index,
               StringRef configFile) const;
};

/// Of GGUF files, which llama.cpp calls granitehybrid: the fields that all
/// have.
void readGgufMamba2Hybrid(GgufFields &fields, bool partRotates);
/// The inverse; `share` of each head turns, 0: none does.
void writeGgufMamba2Hybrid(GgufKeys &keys, double share);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_MAMBA2HYBRID_H
