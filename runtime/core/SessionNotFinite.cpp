//===- SessionNotFinite.cpp - Logits that are no numbers ------------------===//

#include "SessionImpl.h"
#include "StatePool.h"
#include "marimba/NotFinite.h"

#include <algorithm>

namespace marimba::rt {

/// The file of the weights, the folder of several, or the name of a model that
/// was made up.
static std::string placeOf(const Model &model) {
  std::vector<WeightFile> files = model.weights().files();
  if (files.empty())
    return "model '" + model.description().name + "'";
  std::filesystem::path file = files.front().path;
  return (files.size() == 1 ? file : file.parent_path()).string();
}

bool Session::checkLogits(const Request &request, std::string &error) {
  if (request.wanted == LogitsWanted::None)
    return true;
  auto vocabulary = static_cast<size_t>(shared->description().vocabulary);
  size_t index = 0; // of a row of logits
  for (int32_t row = 0; row < request.batch(); ++row) {
    const std::vector<int32_t> &ids = request.rows[static_cast<size_t>(row)];
    bool all = request.wanted == LogitsWanted::All;
    for (size_t token = all ? 0 : ids.size() - 1; token < ids.size(); ++token) {
      std::string problem = logitsProblem(
          std::span(request.logits).subspan(index++ * vocabulary, vocabulary));
      if (problem.empty())
        continue;
      badRow = row;
      int32_t slot = request.firstSlot + row;
      int64_t before = length(slot) - static_cast<int64_t>(ids.size());
      error = placeOf(*shared) + ": the logits after token " +
              std::to_string(before + static_cast<int64_t>(token) + 1) +
              " (id " + std::to_string(ids[token]) + ") hold " + problem;
      std::string where = findNotFinite(slot);
      error += where.empty() ? "; the cause was not found" : ": " + where;
      if (!request.problems)
        return false;
      (*request.problems)[static_cast<size_t>(row)] = std::move(error);
      error.clear();
      empty(slot, length(slot));
      index += ids.size() - 1 - token;
      break;
    }
  }
  return true;
}

std::string Session::findNotFinite(int32_t slot) {
  // Weights first: they are the reason, a layer only where it shows.
  std::string weight = findBadWeight(*shared);
  if (!weight.empty())
    return weight;
  if (const Model::LayerFinder &finder = shared->layerFinder()) {
    std::string layer = finder(tokens(slot));
    if (!layer.empty())
      return layer;
  }
  // Layers remember what they took in: the first state that is not finite is of
  // the layer that made it so, or of the one behind it.
  for (const ArgSpec &spec : shared->description().states()) {
    int64_t index = pool->find(spec.name);
    MarimbaTensor view = pool->view(static_cast<size_t>(index), slot, 1);
    for (int d = 1; d < view.rank; ++d)
      if (spec.shape[static_cast<size_t>(d)] < 0)
        view.sizes[d] = std::min(view.sizes[d], length(slot));
    if (rt::findNotFinite(view))
      return "state '" + spec.name +
             "' is the first that is not finite: the cause is its layer or the "
             "one before";
  }
  return {};
}

} // namespace marimba::rt
