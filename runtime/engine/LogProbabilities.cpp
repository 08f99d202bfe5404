//===- LogProbabilities.cpp - What the model thinks of tokens -------------===//

#include "LogProbabilities.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace marimba::rt {

LogProbabilities::LogProbabilities(std::span<const float> given, int32_t count)
    : logits(given.begin(), given.end()) {
  if (logits.empty())
    return;
  double highest = *std::ranges::max_element(logits);
  double sum = 0;
  for (float logit : logits)
    sum += std::exp(static_cast<double>(logit) - highest);
  logSum = highest + std::log(sum);
  for (size_t i = 0; i < logits.size(); ++i)
    best.push_back({static_cast<int32_t>(i), of(static_cast<int32_t>(i))});
  auto kept = std::min(static_cast<size_t>(std::max(count, 0)), best.size());
  std::ranges::partial_sort(
      best, best.begin() + static_cast<std::ptrdiff_t>(kept),
      [](const TokenChance &a, const TokenChance &b) {
        return a.logProbability > b.logProbability ||
               (a.logProbability == b.logProbability && a.id < b.id);
      });
  best.resize(kept);
}

float LogProbabilities::of(int32_t id) const {
  if (id < 0 || static_cast<size_t>(id) >= logits.size())
    return -std::numeric_limits<float>::infinity();
  return static_cast<float>(
      static_cast<double>(logits[static_cast<size_t>(id)]) - logSum);
}

} // namespace marimba::rt
