//===- SamplerFlags.cpp - How the next token is chosen --------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/SamplerFlags.h"

using namespace marimba;
using namespace llvm;

/// Far beyond what changes a choice.
static constexpr double kMostScale = 1e9;

driver::SamplerFlags::SamplerFlags(cl::SubCommand &sub)
    : temperature(sub, "temperature",
                  "0 takes the likeliest token (default; 1 where --top-k, "
                  "--top-p, --min-p or --seed stands)",
                  "t", {0, kMostScale}),
      topK(sub, "top-k", "Chooses among the k likeliest tokens", "k",
           {0, INT32_MAX}),
      topP(sub, "top-p",
           "Chooses among the likeliest tokens that reach this probability "
           "together",
           "p", {0, 1, /*above=*/true}, 1),
      minP(sub, "min-p",
           "Chooses among the tokens of at least this share of the "
           "probability of the likeliest one",
           "p", {0, 1}),
      repetitionPenalty(sub, "repetition-penalty",
                        "Makes tokens that were there before less likely, "
                        "above 1 (default: 1)",
                        "x", {0, kMostScale, /*above=*/true}, 1),
      seed(sub, "seed", "The same seed, the same text", "s", {0, UINT64_MAX}),
      stop("stop",
           cl::desc("Ends at this text, which is not shown; may stand again"),
           cl::value_desc("text"), cl::sub(sub), cl::cat(category())) {}

std::optional<rt::SamplerOptions> driver::SamplerFlags::samplerOptions() const {
  rt::SamplerOptions sampler;
  bool random = topK.given() || topP.given() || minP.given() || seed.given();
  sampler.temperature =
      temperature.given() ? static_cast<float>(temperature) : random;
  sampler.topK = topK;
  sampler.topP = static_cast<float>(topP);
  sampler.minP = static_cast<float>(minP);
  sampler.repetitionPenalty = static_cast<float>(repetitionPenalty);
  sampler.seed = seed;
  std::string error = rt::checkSamplerOptions(sampler);
  for (const std::string &text : stop) {
    if (text.empty())
      error = "--stop: expected a text, found an empty one";
    if (!checkText("--stop", text))
      return std::nullopt;
  }
  if (error.empty())
    return sampler;
  fail(error);
  return std::nullopt;
}
