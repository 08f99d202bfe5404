//===- FeedForwardWeights.cpp - A feed-forward's tensors --------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/FeedForwardWeights.h"

namespace mlir::marimba {

constexpr int64_t kMaxExpertTensors = 1 << 18;

void checkExperts(Config &c, StringRef field, int64_t experts, int64_t topK,
                  int64_t layers) {
  if (layers > 0 && topK > experts)
    c.error("num_experts_per_tok",
            "at most " + field + " (" + Twine(experts) + ")");
  if (3 * experts * layers > kMaxExpertTensors)
    c.error(field, "at most " + Twine(kMaxExpertTensors) +
                       " expert tensors in all layers together");
}

void addDenseFeedForward(LayerPlan &layer, WeightTable &weights,
                         StringRef module, Dim hidden, Dim intermediate,
                         bool bias, StringRef alias) {
  std::string m = (module + ".").str();
  auto add = [&](StringRef name, Dim out, Dim in) {
    std::string old = alias.empty() ? "" : (alias + "." + name).str();
    takeTensor(layer, weights, m, name, {out, in}, ".weight", old);
    if (bias)
      takeTensor(layer, weights, m, name, out, ".bias", old);
  };
  add("gate_proj", intermediate, hidden);
  add("up_proj", intermediate, hidden);
  add("down_proj", hidden, intermediate);
}

void addMixtureOfExperts(LayerPlan &layer, WeightTable &weights,
                         const ExpertNames &names, Dim experts, Dim hidden,
                         Dim intermediate) {
  std::string base = (layer.prefix + "." + names.module + ".").str();
  std::string disk = layer.location + ".";
  layer.add("router",
            weights.get(base + "router", disk + names.router.str() + ".weight",
                        {experts, hidden}));
  std::string each = disk + names.experts.str() + ".";
  if (weights.has(each + "gate_up_proj")) {
    Dim both{2 * intermediate.size, intermediate.field};
    layer.add("experts.gate_up",
              weights.get(base + "experts.gate_up", each + "gate_up_proj",
                          {experts, both, hidden}));
    layer.add("experts.down",
              weights.get(base + "experts.down", each + "down_proj",
                          {experts, hidden, intermediate}));
    return;
  }
  auto stack = [&](StringRef name, StringRef onDisk, ArrayRef<Dim> shape) {
    std::vector<std::string> sources;
    for (int64_t e = 0; e < experts.size; ++e)
      sources.push_back((each + Twine(e) + "." + onDisk + ".weight").str());
    std::string own = ("experts." + name).str();
    layer.add(own, weights.getStacked(base + own, sources, shape));
  };
  stack("gate", names.gate, {intermediate, hidden});
  stack("up", names.up, {intermediate, hidden});
  stack("down", names.down, {hidden, intermediate});
}

} // namespace mlir::marimba
