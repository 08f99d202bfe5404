//===- FeedForwardWeights.cpp - A feed-forward's tensors --------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/blocks/FeedForwardWeights.h"

namespace mlir::marimba {

constexpr int64_t kMaxExpertTensors = 1 << 18;

void checkExperts(Config &c, StringRef field, int64_t experts, int64_t topK,
                  int64_t layers, StringRef topKField) {
  if (layers > 0 && topK > experts)
    c.error(topKField, "at most " + field + " (" + Twine(experts) + ")");
  if (3 * experts * layers > kMaxExpertTensors)
    c.error(field, "at most " + Twine(kMaxExpertTensors) +
                       " expert tensors in all layers together");
}

Routing readSigmoidRouting(Config &c, StringRef field, int64_t experts,
                           int64_t layers, const SigmoidRoutingFields &fields) {
  Routing routing;
  routing.sigmoid = true;
  routing.topK = c.getPositive(fields.topK, fields.defaultTopK, kMaxExperts);
  routing.groups = c.getPositive(fields.groups, 1, kMaxExperts);
  routing.topGroups = c.getPositive("topk_group", 1, kMaxExperts);
  routing.normalize = c.getBool(fields.normalize, true);
  if (routing.normalize)
    routing.epsilon = 1e-20;
  routing.scale =
      c.getPositiveReal("routed_scaling_factor", fields.defaultScale);
  if (layers == 0)
    return routing;
  checkExperts(c, field, experts, routing.topK, layers, fields.topK);
  int64_t size = experts / routing.groups;
  if (routing.groups > 1 && (experts % routing.groups != 0 || size < 2))
    c.error(fields.groups, "a divisor of " + field + " (" + Twine(experts) +
                               ") that leaves 2 experts or more in a group");
  else if (routing.topGroups > routing.groups)
    c.error("topk_group",
            "at most " + fields.groups + " (" + Twine(routing.groups) + ")");
  else if (routing.topK > size * routing.topGroups)
    c.error(fields.topK, "at most the " + Twine(size * routing.topGroups) +
                             " experts of topk_group groups");
  return routing;
}

void addDenseFeedForward(LayerPlan &layer, WeightTable &weights,
                         StringRef module, Dim hidden, Dim intermediate,
                         bool bias, StringRef alias, const DenseNames &names) {
  std::string m = (module + ".").str();
  auto add = [&](StringRef name, StringRef disk, Dim out, Dim in) {
    std::string old = alias.empty() ? "" : (alias + "." + disk).str();
    takeTensorAs(layer, weights, m, name, disk, {out, in}, ".weight", old);
    if (bias)
      takeTensorAs(layer, weights, m, name, disk, out, ".bias", old);
  };
  add("gate_proj", names.gate, intermediate, hidden);
  add("up_proj", names.up, intermediate, hidden);
  add("down_proj", names.down, hidden, intermediate);
}

void addRelu2FeedForward(LayerPlan &layer, WeightTable &weights,
                         StringRef module, StringRef prefix, Dim hidden,
                         Dim intermediate, bool bias) {
  std::string m = (module + ".").str();
  auto add = [&](StringRef matrix, Dim out, Dim in) {
    std::string name = (prefix + matrix).str();
    takeTensor(layer, weights, m, name, {out, in});
    if (bias)
      takeTensor(layer, weights, m, name, out, ".bias");
  };
  add("up_proj", intermediate, hidden);
  add("down_proj", hidden, intermediate);
}

namespace {

/// Takes the matrices of a mixture.
class ExpertTaker {
public:
  ExpertTaker(LayerPlan &layer, WeightTable &weights, const ExpertNames &names,
              Dim experts)
      : layer(layer), weights(weights), experts(experts),
        base((layer.prefix + "." + names.module + ".").str()),
        each((layer.location + "." + names.experts + ".").str()) {}

  /// The names of one matrix of all experts.
  std::vector<std::string> apart(StringRef name) const {
    std::vector<std::string> tensors;
    for (int64_t e = 0; e < experts.size; ++e)
      tensors.push_back((each + Twine(e) + "." + name + ".weight").str());
    return tensors;
  }
  /// Those, as experts.<name> or experts.<e>.<name>.
  void stack(StringRef name, ArrayRef<std::string> sources,
             ArrayRef<Dim> shape) {
    if (weights.expertsAlone()) {
      for (auto [e, source] : llvm::enumerate(sources)) {
        std::string own = ("experts." + Twine(e) + "." + name).str();
        layer.add(own, weights.get(base + own, source, shape));
      }
      return;
    }
    std::string own = ("experts." + name).str();
    layer.add(own, weights.getStacked(base + own, sources, shape));
  }
  void takeGated(const ExpertNames &names, Dim hidden, Dim intermediate);

private:
  LayerPlan &layer;
  WeightTable &weights;
  Dim experts;
  std::string base, each;
};

} // namespace

void ExpertTaker::takeGated(const ExpertNames &names, Dim hidden,
                            Dim intermediate) {
  std::vector<std::string> gate = apart(names.gate), up = apart(names.up);
  std::vector<std::string> down = apart(names.down);
  // Where one of the two is in one piece, so is the other.
  std::string gateUp = each + names.stackedGateUp.str();
  std::string stackedDown = each + names.stackedDown.str();
  std::vector<std::string> both = gate;
  llvm::append_range(both, up);
  bool stacked =
      weights.has(gateUp) || (names.stacked && !weights.quantises() &&
                              !weights.has({gate[0], gate[0] + ".codes"}));
  Dim united{2 * intermediate.size, intermediate.field};
  bool gateApart =
      !stacked ||
      weights.takeApart(gateUp, both, {experts.size, united.size, hidden.size});
  bool downApart = !stacked || weights.takeApart(stackedDown, down,
                                                 {experts.size, hidden.size,
                                                  intermediate.size});
  if (gateApart) {
    stack("gate", gate, {intermediate, hidden});
    stack("up", up, {intermediate, hidden});
  } else {
    layer.add("experts.gate_up", weights.get(base + "experts.gate_up", gateUp,
                                             {experts, united, hidden}));
  }
  if (downApart)
    stack("down", down, {hidden, intermediate});
  else
    layer.add("experts.down", weights.get(base + "experts.down", stackedDown,
                                          {experts, hidden, intermediate}));
}

void addMixtureOfExperts(LayerPlan &layer, WeightTable &weights,
                         const ExpertNames &names, Dim experts, Dim hidden,
                         Dim intermediate, std::optional<Dim> inner) {
  std::string base = (layer.prefix + "." + names.module + ".").str();
  std::string disk = layer.location + ".";
  layer.add("router",
            weights.get(base + "router", disk + names.router.str() + ".weight",
                        {experts, hidden}));
  if (!names.correction.empty())
    layer.add("correction_bias",
              weights.get(base + "correction_bias",
                          disk + names.correction.str(), experts));
  ExpertTaker taker(layer, weights, names, experts);
  Dim outer = inner.value_or(hidden);
  if (!names.gate.empty())
    return taker.takeGated(names, outer, intermediate);
  taker.stack("up", taker.apart(names.up), {intermediate, outer});
  taker.stack("down", taker.apart(names.down), {outer, intermediate});
}

void addSharedExpert(LayerPlan &layer, WeightTable &weights, StringRef module,
                     StringRef gate, Dim hidden, Dim intermediate) {
  auto add = [&](StringRef name, const Twine &tensor, ArrayRef<Dim> shape) {
    std::string symbol = (layer.prefix + "." + tensor).str();
    std::string source = (layer.location + "." + tensor + ".weight").str();
    layer.add(name, weights.getMatrix(symbol, source, shape, /*hint=*/"",
                                      /*mayPermute=*/true));
  };
  add("shared_experts.gate_proj", module + ".gate_proj",
      {intermediate, hidden});
  add("shared_experts.up_proj", module + ".up_proj", {intermediate, hidden});
  add("shared_experts.down_proj", module + ".down_proj",
      {hidden, intermediate});
  if (!gate.empty())
    layer.add("shared_expert_gate",
              weights.get((layer.prefix + "." + gate).str(),
                          (layer.location + "." + gate + ".weight").str(),
                          {{1, ""}, hidden}));
}

} // namespace mlir::marimba
