//===- FeedForwardWeights.h - A feed-forward's tensors ----------*- C++ -*-===//
//
// Part of Marimba. What the families with feed-forwards share.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_FEEDFORWARDWEIGHTS_H
#define MARIMBA_IMPORTER_BLOCKS_FEEDFORWARDWEIGHTS_H

#include "importer/ModelPlan.h"
#include "importer/hub/Config.h"

namespace mlir::marimba {

inline constexpr int64_t kMaxExperts = 4096;

/// Reports more choices than experts, and more tensors than a module can hold.
/// `field` is the one that says how many experts there are.
void checkExperts(Config &config, StringRef field, int64_t experts,
                  int64_t topK, int64_t layers);

/// Takes <layer.location>.<module>.{gate,up,down}_proj, with biases if `bias`.
/// `alias` is what old files say for <module>; none if empty.
void addDenseFeedForward(LayerPlan &layer, WeightTable &weights,
                         StringRef module, Dim hidden, Dim intermediate,
                         bool bias = false, StringRef alias = "");

/// How a mixture of experts is called on disk.
struct ExpertNames {
  StringRef module = "feed_forward"; // of the symbols
  StringRef router = "feed_forward.router";
  StringRef experts = "feed_forward.experts";
  StringRef gate = "gate_proj", up = "up_proj", down = "down_proj";
};

/// Takes the router and the experts, one by one or all in one tensor, as
/// transformers 5 holds them in memory.
void addMixtureOfExperts(LayerPlan &layer, WeightTable &weights,
                         const ExpertNames &names, Dim experts, Dim hidden,
                         Dim intermediate);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_FEEDFORWARDWEIGHTS_H
