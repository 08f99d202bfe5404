//===- FeedForwardWeights.h - A feed-forward's tensors ----------*- C++ -*-===//
//
// Part of Marimba. What the families with feed-forwards share.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_BLOCKS_FEEDFORWARDWEIGHTS_H
#define MARIMBA_IMPORTER_BLOCKS_FEEDFORWARDWEIGHTS_H

#include "importer/ModelPlan.h"
#include "importer/blocks/Blocks.h"
#include "importer/hub/Config.h"

namespace mlir::marimba {

inline constexpr int64_t kMaxExperts = 4096;

/// Reports more choices than experts, and more tensors than a module can hold.
/// `field` is the one that says how many experts there are.
void checkExperts(Config &config, StringRef field, int64_t experts,
                  int64_t topK, int64_t layers,
                  StringRef topKField = "num_experts_per_tok");

/// How a file spells the fields of such a router, and what the family's class
/// says of some.
struct SigmoidRoutingFields {
  StringRef topK = "num_experts_per_tok", groups = "n_group";
  StringRef normalize = "norm_topk_prob";
  int64_t defaultTopK = 2;
  double defaultScale = 1;
};

/// Reads the router of DeepSeek-V3's kind: sigmoid scores, num_experts_per_tok,
/// n_group, topk_group, norm_topk_prob and routed_scaling_factor. `field` and
/// `layers` as of checkExperts(), which this calls.
Routing readSigmoidRouting(Config &config, StringRef field, int64_t experts,
                           int64_t layers,
                           const SigmoidRoutingFields &fields = {});

/// What checkpoints call a dense feed-forward's matrices.
struct DenseNames {
  StringRef gate = "gate_proj", up = "up_proj", down = "down_proj";
};

/// Takes <layer.location>.<module>.{gate,up,down}_proj, or what `names` says
/// for these, with biases if `bias`. `alias` is what old files say for
/// <module>; none if empty.
void addDenseFeedForward(LayerPlan &layer, WeightTable &weights,
                         StringRef module, Dim hidden, Dim intermediate,
                         bool bias = false, StringRef alias = "",
                         const DenseNames &names = {});

/// Takes <layer.location>.<module>.<prefix>{up,down}_proj, with biases if
/// `bias`: the feed-forward without a gate, relu2. `prefix` is that of
/// emitDenseFeedForward().
void addRelu2FeedForward(LayerPlan &layer, WeightTable &weights,
                         StringRef module, StringRef prefix, Dim hidden,
                         Dim intermediate, bool bias);

/// How a mixture of experts is called on disk.
struct ExpertNames {
  StringRef module = "feed_forward"; // of the symbols
  StringRef router = "feed_forward.router";
  StringRef experts = "feed_forward.experts";
  StringRef gate = "gate_proj", up = "up_proj", down = "down_proj";
  StringRef correction = ""; // a bias of the choice alone; none if empty
  /// Gate and up, or down, of all experts in one tensor, in `experts`; whether
  /// files have these rather than a tensor for each expert.
  StringRef stackedGateUp = "gate_up_proj", stackedDown = "down_proj";
  bool stacked = false;
};

/// Takes the router and the experts, one by one or all in one tensor, as
/// transformers 5 holds them in memory. Without `names.gate` experts are up and
/// down alone; `inner` is what they take and give, where that is not `hidden`.
void addMixtureOfExperts(LayerPlan &layer, WeightTable &weights,
                         const ExpertNames &names, Dim experts, Dim hidden,
                         Dim intermediate, std::optional<Dim> inner = {});

/// Takes <layer.location>.<module>.{gate,up,down}_proj, the expert that every
/// token takes, as shared_experts.*; and, unless `gate` is empty,
/// <layer.location>.<gate>, the row [1,H] that says how much of it.
void addSharedExpert(LayerPlan &layer, WeightTable &weights, StringRef module,
                     StringRef gate, Dim hidden, Dim intermediate);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_BLOCKS_FEEDFORWARDWEIGHTS_H
