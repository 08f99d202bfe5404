//===- LogProbabilities.h - What the model thinks of tokens -----*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_ENGINE_LOGPROBABILITIES_H
#define MARIMBA_RUNTIME_ENGINE_LOGPROBABILITIES_H

#include "marimba/Scheduler.h"

#include <span>
#include <vector>

namespace marimba::rt {

/// Natural logarithms of the probabilities that logits stand for.
class LogProbabilities {
public:
  /// `count`: how many of the likeliest tokens are wanted; among equal ones the
  /// lowest id comes first. `logits`, finite or -inf, are copied.
  LogProbabilities(std::span<const float> logits, int32_t count);

  /// -inf for ids out of range.
  float of(int32_t id) const;
  std::span<const TokenChance> likeliest() const { return best; }

private:
  std::vector<float> logits;
  double logSum = 0;
  std::vector<TokenChance> best;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_ENGINE_LOGPROBABILITIES_H
