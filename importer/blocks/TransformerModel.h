//===- TransformerModel.h - Models of attention only ------------*- C++ -*-===//
//
// Part of Marimba. What families of these share: in every layer attention with
// rotary positions, then a feed-forward, each after a norm and added to the
// residual stream; the names of tensors and fields.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_TRANSFORMERMODEL_H
#define MARIMBA_IMPORTER_BLOCKS_TRANSFORMERMODEL_H

#include "importer/blocks/AttentionWeights.h"
#include "importer/blocks/FeedForwardWeights.h"
#include "importer/gguf/GgufFields.h"

namespace mlir::marimba {

/// What a family's class says where the config does not.
struct TransformerDefaults {
  int64_t intermediate;
  int64_t keyHeads; // 0: all heads
  double epsilon, theta;
};

/// A model as its config describes it.
struct TransformerModel {
  int64_t vocab = 0, hidden = 0, intermediate = 0, layers = 0;
  double epsilon = 0; // of all norms
  bool tied = false;
  AttentionSizes attention;
  bool attentionBias = false;
  std::vector<float> frequencies;
  bool feedForwardBias = false;  // of a dense one
  int64_t experts = 0, topK = 0; // 0 experts: dense
  ExpertNames expertNames;

  /// Reads the fields that all have. Ask `config.result()`.
  void read(Config &config, const TransformerDefaults &defaults);

  /// Plans all of the model once its fields are read.
  void plan(Config &config, WeightTable &weights, ModelPlan &plan,
            ModelInfo &info) const;

private:
  LayerPlan planLayer(WeightTable &weights, int64_t index) const;
};

/// Of GGUF files: the fields that all have, and how many tokens a query sees,
/// which is not among these (0 or less: all).
/// `partRotates`: a part of each head may turn.
void readGgufTransformer(GgufFields &fields, bool partRotates = false);
int64_t readGgufWindow(GgufFields &fields);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_TRANSFORMERMODEL_H
