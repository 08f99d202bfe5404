//===- AnswerFields.h - How requests want their answers ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_ANSWERFIELDS_H
#define MARIMBA_TOOLS_SERVER_ANSWERFIELDS_H

#include "tools/server/Fields.h"

#include "marimba/GenerationDefaults.h"
#include "marimba/Sampler.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace marimba::server {

/// What requests of all kinds say of their answers.
struct AnswerFields {
  rt::SamplerOptions sampler;
  bool hasSeed = false;
  std::optional<int64_t> maxTokens;
  std::vector<std::string> stops;
  int32_t choices = 1; // n
  bool streams = false;
  bool includesUsage = false; // of streams
  bool ignoresEnd = false;
  /// Log-probabilities are wanted, of so many of the likeliest tokens, too.
  std::optional<int32_t> likeliest;
};

/// The most that a request may ask for.
inline constexpr int32_t kMostChoices = 32;
inline constexpr size_t kMostStops = 16;
inline constexpr int32_t kMostLikeliest = 20;

/// Reads `temperature`, `top_p`, `top_k`, `min_p`, `repetition_penalty`,
/// `frequency_penalty`, `presence_penalty`, `logit_bias` and `seed`; what is
/// not there is as `defaults` say.
void readSampler(Fields &fields, const rt::GenerationDefaults &defaults,
                 AnswerFields &result);
/// Those, and `stop`, `n`, `stream`, `stream_options` and `ignore_eos`.
void readAnswerFields(Fields &fields, const rt::GenerationDefaults &defaults,
                      AnswerFields &result);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_ANSWERFIELDS_H
