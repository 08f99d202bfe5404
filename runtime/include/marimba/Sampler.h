//===- Sampler.h - Choosing the next token ----------------------*- C++ -*-===//
//
// Greedy and random choice of a token from the logits of a model.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_SAMPLER_H
#define MARIMBA_SAMPLER_H

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace marimba::rt {

/// How to choose; checkSamplerOptions() says whether the values are allowed.
struct SamplerOptions {
  /// Divides the logits of tokens that the sampler has seen where they are
  /// above 0, and multiplies them where they are below; above 0, 1 changes
  /// nothing.
  float repetitionPenalty = 1;
  /// Divides the logits; finite and >= 0. 0 chooses greedily, and then the
  /// options below do not matter.
  float temperature = 0;
  /// Keeps the tokens whose logit is at least the k-th highest; 0 keeps all.
  int32_t topK = 0;
  /// Keeps the most probable tokens, the fewest that reach this probability
  /// together; in (0, 1], 1 keeps all.
  float topP = 1;
  /// Keeps the tokens of at least this share of the probability of the
  /// likeliest one; in [0, 1], 0 keeps all.
  float minP = 0;
  /// Start of the random numbers: the same seed gives the same choices on
  /// every machine.
  uint64_t seed = 0;
  /// Subtracted from the logit of a token: this much for each time that it was
  /// chosen, and this much where it was chosen at all; in [-2, 2], as OpenAI's
  /// API has it; 0 changes nothing. Tokens of the prompt do not count.
  static constexpr float kMostAnswerPenalty = 2;
  float frequencyPenalty = 0, presencePenalty = 0;
  /// Added to the logits of ids; in [-100, 100]. Of an id that comes twice the
  /// last counts, and ids that the model does not have change nothing.
  std::vector<std::pair<int32_t, float>> logitBias = {};
};

/// One line that names the option that is not allowed, its value and what is
/// allowed; empty where all are.
std::string checkSamplerOptions(const SamplerOptions &options);

/// Chooses tokens one after another, in the order of Hugging Face generate():
/// repetition penalty, temperature, top-k, top-p, min-p, then a draw. Frequency
/// and presence penalties and the biases come behind the repetition penalty.
class Sampler {
public:
  /// A value that checkSamplerOptions() would refuse counts as the default of
  /// its option.
  explicit Sampler(SamplerOptions options);

  /// Counts `ids` as seen, for the repetition penalty only. What sample()
  /// chooses counts by itself, for all three.
  void see(std::span<const int32_t> ids);

  /// Another answer begins: frequency and presence penalties count anew.
  void beginAnswer() { chosen.clear(); }

  /// The index in [0, logits.size()) of the chosen token of one position;
  /// `logits` are natural-log scores, not normalized. NaN counts as -inf; among
  /// equal logits the lowest index comes first; where no logit is above -inf
  /// the index is 0. Returns -1 for empty `logits`. Each choice that is not
  /// greedy takes exactly one random number, whatever the logits.
  int32_t sample(std::span<const float> logits);

private:
  /// A uniform number in [0, 1), by splitmix64.
  double nextUniform();
  int32_t choose(std::span<const float> logits);
  /// Whether logits are changed before the choice.
  bool adjusts() const;
  void adjust();

  SamplerOptions options;
  uint64_t state;
  /// Reused from call to call: (logit, index), then (weight, index).
  std::vector<std::pair<double, int32_t>> candidates;
  /// Where there is a repetition penalty: the ids that were seen, each once,
  /// and whether an id is among them.
  std::vector<int32_t> seenIds;
  std::vector<bool> isSeen;
  /// How often each id was chosen.
  std::unordered_map<int32_t, int64_t> chosen;
  std::vector<float> adjusted;
};

} // namespace marimba::rt

#endif // MARIMBA_SAMPLER_H
