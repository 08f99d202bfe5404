//===- GatedDeltaModel.h - Gated delta nets and attention -------*- C++ -*-===//
//
// Part of Marimba. What Qwen3-Next and Qwen3.5 share: layers of gated delta
// nets and of gated attention, each with a feed-forward or a mixture of
// experts, and norms whose factor is 1 + w.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_GATEDDELTAMODEL_H
#define MARIMBA_IMPORTER_BLOCKS_GATEDDELTAMODEL_H

#include "importer/blocks/AttentionWeights.h"
#include "importer/blocks/FeedForwardWeights.h"
#include "importer/blocks/GatedDeltaWeights.h"
#include "importer/gguf/GgufFields.h"

namespace mlir::marimba {

/// What a family's class says where the config does not.
struct GatedDeltaDefaults {
  int64_t vocab, hidden, layers, keyHeads;
  int64_t experts = 0, topK = 0;
  bool byKeyHead = false; // rows of the mixer's projections
};

/// A model as its config describes it.
struct GatedDeltaModel {
  int64_t vocab = 0, hidden = 0, layers = 0;
  int64_t intermediate = 0; // of layers without experts
  double epsilon = 0;       // of all norms
  bool tied = false, zeroCentered = true, attentionBias = false;
  bool byKeyHead = false;
  AttentionSizes attention;
  GatedDeltaSizes mixer;
  Rotation rotation;
  std::vector<bool> isLinear, isDense; // by layer
  int64_t experts = 0, expertWidth = 0, sharedWidth = 0;
  Routing routing;
  int64_t draftLayers = 0; // of GGUF files, after the others

  /// Reads the fields that all have, isDense not among them. Ask
  /// `config.result()`.
  void read(Config &config, const GatedDeltaDefaults &defaults);
  /// Reads those of the experts.
  void readExperts(Config &config, const GatedDeltaDefaults &defaults);

  /// Plans all of the model once its fields are read. Its tensors begin with
  /// `module`, as "model"; those that it has no use for, which are of drafts
  /// and of images, are set aside.
  void plan(Config &config, WeightTable &weights, ModelPlan &plan,
            ModelInfo &info, StringRef module = "model") const;

private:
  void readTypes(Config &config);
  LayerPlan planLayer(WeightTable &weights, int64_t index,
                      StringRef module) const;
  Value emitLayer(LayerScope &scope, int64_t index) const;
};

/// Reads what GGUF files of such models say of all but their feed-forwards.
void readGgufGatedDelta(GgufFields &fields);
/// Reads what they say of the experts.
void readGgufGatedExperts(GgufFields &fields);
/// The inverse of both.
void writeGgufGatedDelta(GgufKeys &keys);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_GATEDDELTAMODEL_H
