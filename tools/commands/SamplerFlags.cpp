//===- SamplerFlags.cpp - How the next token is chosen --------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/SamplerFlags.h"
#include "tools/commands/Output.h"

#include "marimba/GenerationDefaults.h"
#include <charconv>

using namespace marimba;

/// Far beyond what changes a choice.
static constexpr double kMostScale = 1e9;
static constexpr double kMostPenalty = rt::SamplerOptions::kMostAnswerPenalty;

commands::SamplerFlags::SamplerFlags(Command &command)
    : temperature(command, "temperature",
                  "0 takes the most likely token (the default if "
                  "generation_config.json does not sample; 1 with --top-k, "
                  "--top-p, --min-p or --seed)",
                  "t", {0, kMostScale}),
      topK(command, "top-k", "Samples from the k most likely tokens", "k",
           {0, INT32_MAX}),
      topP(command, "top-p",
           "Samples from the most likely tokens with this total probability",
           "p", {0, 1, /*above=*/true}, 1),
      minP(command, "min-p",
           "Samples from the tokens with at least this fraction of the highest "
           "probability",
           "p", {0, 1}),
      repetitionPenalty(command, "repetition-penalty",
                        "Makes tokens that were there before less likely, "
                        "above 1 (default: 1)",
                        "x", {0, kMostScale, /*above=*/true}, 1),
      frequencyPenalty(command, "frequency-penalty",
                       "Makes a token of the answer less likely each time it "
                       "comes",
                       "x", {-kMostPenalty, kMostPenalty}),
      presencePenalty(command, "presence-penalty",
                      "Makes a token less likely once it is in the answer", "x",
                      {-kMostPenalty, kMostPenalty}),
      seed(command, "seed",
           "Seed of the random numbers: the same seed gives the same text", "s",
           {0, UINT64_MAX}),
      stop(command, "stop",
           "Ends at this text, which is not shown; may be repeated", "text") {}

namespace {
/// Takes options, and defaults where they were not given.
class Choice {
public:
  template <typename OptionT, typename ValueT>
  ValueT take(const OptionT &option, std::optional<ValueT> otherwise) {
    if (option.given() || !otherwise)
      return static_cast<ValueT>(option.value);
    ValueT usual = static_cast<ValueT>(option.usual);
    if (*otherwise != usual)
      add(option.name, *otherwise);
    return *otherwise;
  }
  template <typename ValueT> void add(const std::string &name, ValueT value) {
    char digits[32]; // the fewest that give the value again
    auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
    taken += " --" + name + " " + std::string(digits, end);
  }

  std::string taken; // the defaults, as options
};
} // namespace

std::optional<rt::SamplerOptions>
commands::SamplerFlags::samplerOptions(const std::string &directory,
                                       bool quiet) const {
  std::string error;
  std::optional<rt::GenerationDefaults> defaults =
      rt::readGenerationDefaults(directory, error);
  if (!defaults) {
    fail(error);
    return std::nullopt;
  }
  rt::SamplerOptions sampler;
  Choice choice;
  bool asked = topK.given() || topP.given() || minP.given() || seed.given();
  bool random =
      temperature.given() ? temperature > 0 : asked || defaults->sample;
  sampler.temperature =
      temperature.given() ? static_cast<float>(temperature) : 0;
  if (random && !temperature.given()) {
    sampler.temperature = defaults->temperature.value_or(1);
    if (defaults->temperature || !asked)
      choice.add(temperature.name, sampler.temperature);
  }
  // Greedy choice has no use for these.
  rt::GenerationDefaults none;
  const rt::GenerationDefaults &of = random ? *defaults : none;
  sampler.topK = choice.take(topK, of.topK);
  sampler.topP = choice.take(topP, of.topP);
  sampler.minP = choice.take(minP, of.minP);
  sampler.repetitionPenalty =
      choice.take(repetitionPenalty, defaults->repetitionPenalty);
  sampler.frequencyPenalty = static_cast<float>(frequencyPenalty);
  sampler.presencePenalty = static_cast<float>(presencePenalty);
  sampler.seed = seed;
  error = rt::checkSamplerOptions(sampler);
  for (const std::string &text : stop.values) {
    if (text.empty())
      error = "--stop: expected a text, found an empty one";
    if (!checkText("--stop", text))
      return std::nullopt;
  }
  if (!error.empty()) {
    fail(error);
    return std::nullopt;
  }
  if (!choice.taken.empty() && !quiet)
    printNote(defaults->file + ":" + choice.taken +
              " where options do not say otherwise");
  return sampler;
}
