//===- Sampler.cpp - Choosing the next token ------------------------------===//

#include "marimba/Sampler.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace marimba::rt {

using Candidate = std::pair<double, int32_t>;

static bool isAllowedTemperature(float value) {
  return std::isfinite(value) && value >= 0;
}

static bool isAllowedTopP(float value) { return value > 0 && value <= 1; }

static bool isAllowedMinP(float value) { return value >= 0 && value <= 1; }

static bool isAllowedPenalty(float value) {
  return std::isfinite(value) && value > 0;
}

static bool isAllowedAnswerPenalty(float value) {
  return std::abs(value) <= SamplerOptions::kMostAnswerPenalty;
}

static bool isAllowedBias(float value) { return value >= -100 && value <= 100; }

/// As short as it reads back the same, with a dot whatever the locale.
static std::string toText(float value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, std::end(buffer), value).ptr};
}

/// Whether `a` is chosen before `b`: the higher one, then the lower index.
static bool comesFirst(const Candidate &a, const Candidate &b) {
  return a.first != b.first ? a.first > b.first : a.second < b.second;
}

/// e^x for x <= 0. Only correctly rounded operations, in a fixed order, so that
/// a seed gives the same choices whatever the machine's math library; this file
/// is compiled with -ffp-contract=off for the same reason.
static double expNonPositive(double x) {
  if (!(x > -700))
    return 0;
  constexpr double inverseLn2 = 1.4426950408889634;
  constexpr double ln2High = 6.93147180369123816490e-01;
  constexpr double ln2Low = 1.90821492927058770002e-10;
  double n = std::floor(x * inverseLn2 + 0.5);
  double r = (x - n * ln2High) - n * ln2Low; // |r| <= ln(2) / 2
  double sum = 1;
  for (int i = 14; i > 0; --i)
    sum = 1 + sum * r / i;
  return std::ldexp(sum, static_cast<int>(n));
}

/// The highest logit's lowest index; 0 where all are NaN or -inf.
static int32_t argmax(std::span<const float> logits) {
  size_t best = 0;
  float highest = -std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > highest) { // False for NaN.
      highest = logits[i];
      best = i;
    }
  }
  return static_cast<int32_t>(best);
}

/// Drops what is below the k-th highest logit; ties with it stay.
static void keepTopK(std::vector<Candidate> &candidates, size_t k) {
  if (k == 0 || k >= candidates.size())
    return;
  std::vector<Candidate> order(candidates);
  std::nth_element(order.begin(), order.begin() + (k - 1), order.end(),
                   comesFirst);
  double lowest = order[k - 1].first;
  std::erase_if(candidates,
                [&](const Candidate &c) { return c.first < lowest; });
}

/// Moves the most probable candidates, the fewest whose weights reach `p` of
/// `total` (one at least), to the front in order, drops the others and returns
/// the weight of what is kept. Takes O(n + kept * log n) time.
static double keepTopP(std::vector<Candidate> &candidates, double p,
                       double total) {
  auto comesLater = [](const Candidate &a, const Candidate &b) {
    return comesFirst(b, a);
  };
  std::make_heap(candidates.begin(), candidates.end(), comesLater);
  auto heapEnd = candidates.end();
  double kept = 0;
  do {
    std::pop_heap(candidates.begin(), heapEnd, comesLater);
    --heapEnd;
    kept += heapEnd->first;
  } while (heapEnd != candidates.begin() && kept < p * total);
  candidates.erase(candidates.begin(), heapEnd);
  std::reverse(candidates.begin(), candidates.end());
  return kept;
}

/// Drops what is less probable than `p` times the most probable one. Returns
/// the weight of what is kept.
static double keepMinP(std::vector<Candidate> &candidates, double p) {
  double highest = 0, kept = 0;
  for (const Candidate &candidate : candidates)
    highest = std::max(highest, candidate.first);
  std::erase_if(candidates,
                [&](const Candidate &c) { return c.first < p * highest; });
  for (const Candidate &candidate : candidates)
    kept += candidate.first;
  return kept;
}

std::string checkSamplerOptions(const SamplerOptions &options) {
  if (!isAllowedTemperature(options.temperature))
    return "temperature is " + toText(options.temperature) +
           ", allowed: finite and >= 0 (0 is greedy)";
  if (options.topK < 0)
    return "top-k is " + std::to_string(options.topK) +
           ", allowed: >= 0 (0 keeps all)";
  if (!isAllowedTopP(options.topP))
    return "top-p is " + toText(options.topP) +
           ", allowed: above 0, at most 1 (1 keeps all)";
  if (!isAllowedMinP(options.minP))
    return "min-p is " + toText(options.minP) +
           ", allowed: 0 to 1 (0 keeps all)";
  if (!isAllowedPenalty(options.repetitionPenalty))
    return "repetition-penalty is " + toText(options.repetitionPenalty) +
           ", allowed: finite and above 0 (1 changes nothing)";
  for (auto [name, value] :
       {std::pair("frequency-penalty", options.frequencyPenalty),
        std::pair("presence-penalty", options.presencePenalty)})
    if (!isAllowedAnswerPenalty(value))
      return std::string(name) + " is " + toText(value) +
             ", allowed: -2 to 2 (0 changes nothing)";
  for (const auto &[id, bias] : options.logitBias) {
    std::string name = "logit-bias of token " + std::to_string(id);
    if (id < 0)
      return name + ": allowed: tokens from 0 on";
    if (!isAllowedBias(bias))
      return name + " is " + toText(bias) + ", allowed: -100 to 100";
  }
  return {};
}

/// Each id once, with its last value.
static void keepLastBiases(std::vector<std::pair<int32_t, float>> &biases) {
  std::map<int32_t, float> last;
  for (const auto &[id, bias] : biases)
    if (id >= 0 && isAllowedBias(bias))
      last[id] = bias;
  biases.assign(last.begin(), last.end());
}

Sampler::Sampler(SamplerOptions given)
    : options(std::move(given)), state(options.seed) {
  SamplerOptions defaults;
  if (!isAllowedTemperature(options.temperature))
    options.temperature = defaults.temperature;
  if (options.topK < 0)
    options.topK = defaults.topK;
  if (!isAllowedTopP(options.topP))
    options.topP = defaults.topP;
  if (!isAllowedMinP(options.minP))
    options.minP = defaults.minP;
  if (!isAllowedPenalty(options.repetitionPenalty))
    options.repetitionPenalty = defaults.repetitionPenalty;
  if (!isAllowedAnswerPenalty(options.frequencyPenalty))
    options.frequencyPenalty = defaults.frequencyPenalty;
  if (!isAllowedAnswerPenalty(options.presencePenalty))
    options.presencePenalty = defaults.presencePenalty;
  keepLastBiases(options.logitBias);
}

void Sampler::see(std::span<const int32_t> ids) {
  if (options.repetitionPenalty == 1)
    return;
  for (int32_t id : ids) {
    if (id < 0)
      continue;
    auto index = static_cast<size_t>(id);
    if (index >= isSeen.size())
      isSeen.resize(index + 1);
    if (!isSeen[index])
      seenIds.push_back(id);
    isSeen[index] = true;
  }
}

double Sampler::nextUniform() {
  state += 0x9e3779b97f4a7c15u;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;
}

bool Sampler::adjusts() const {
  return options.repetitionPenalty != 1 || options.frequencyPenalty != 0 ||
         options.presencePenalty != 0 || !options.logitBias.empty();
}

void Sampler::adjust() {
  auto logitOf = [&](int32_t id) {
    auto index = static_cast<size_t>(id);
    return index < adjusted.size() ? &adjusted[index] : nullptr;
  };
  for (int32_t id : seenIds)
    if (float *logit = logitOf(id))
      *logit = *logit > 0 ? *logit / options.repetitionPenalty
                          : *logit * options.repetitionPenalty;
  for (const auto &[id, times] : chosen)
    if (float *logit = logitOf(id))
      *logit -= static_cast<float>(times) * options.frequencyPenalty +
                options.presencePenalty;
  for (const auto &[id, bias] : options.logitBias)
    if (float *logit = logitOf(id))
      *logit += bias;
}

int32_t Sampler::sample(std::span<const float> logits) {
  if (logits.empty())
    return -1;
  if (!adjusts())
    return choose(logits);
  adjusted.assign(logits.begin(), logits.end());
  adjust();
  int32_t id = choose(adjusted);
  see({&id, 1});
  if (options.frequencyPenalty != 0 || options.presencePenalty != 0)
    ++chosen[id];
  return id;
}

int32_t Sampler::choose(std::span<const float> logits) {
  if (options.temperature == 0)
    return argmax(logits);

  double uniform = nextUniform();
  candidates.clear();
  double highest = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i] > -std::numeric_limits<float>::infinity()))
      continue;
    candidates.emplace_back(logits[i], static_cast<int32_t>(i));
    highest = std::max<double>(highest, logits[i]);
  }
  if (candidates.empty())
    return 0;

  keepTopK(candidates, static_cast<size_t>(options.topK));

  double total = 0;
  for (Candidate &candidate : candidates) {
    // The equal case keeps +inf - +inf from being NaN.
    double below = candidate.first == highest ? 0 : candidate.first - highest;
    candidate.first = expNonPositive(below / options.temperature);
    total += candidate.first;
  }
  if (options.topP < 1)
    total = keepTopP(candidates, options.topP, total);
  if (options.minP > 0)
    total = keepMinP(candidates, options.minP);

  // The last candidate of any weight answers where rounding leaves the walk
  // short of the drawn point.
  double point = uniform * total;
  int32_t chosen = candidates.front().second;
  double sum = 0;
  for (const Candidate &candidate : candidates) {
    if (candidate.first == 0)
      continue;
    chosen = candidate.second;
    sum += candidate.first;
    if (sum > point)
      break;
  }
  return chosen;
}

} // namespace marimba::rt
