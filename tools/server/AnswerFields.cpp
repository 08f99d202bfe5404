//===- AnswerFields.cpp - How requests want their answers -----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/AnswerFields.h"

#include <algorithm>
#include <charconv>

using namespace marimba;
using namespace marimba::server;

/// {"50256": -100}
static void readBiases(Fields &fields, ApiError &error,
                       rt::SamplerOptions &sampler) {
  const Json *biases = fields.findObject("logit_bias");
  if (!biases)
    return;
  Fields members(*biases, error, fields.path("logit_bias"));
  for (const auto &[name, value] : biases->items()) {
    int32_t id = -1;
    auto [end, code] =
        std::from_chars(name.data(), name.data() + name.size(), id);
    if (code != std::errc() || end != name.data() + name.size() || id < 0)
      return fields.fail("logit_bias", "names that are token ids");
    std::optional<double> bias = members.number(name, -100, 100);
    if (!members.good())
      return;
    if (bias)
      sampler.logitBias.emplace_back(id, static_cast<float>(*bias));
  }
}

void server::readSampler(Fields &fields, const rt::GenerationDefaults &defaults,
                         AnswerFields &result) {
  constexpr double mostScale = 1e9;
  std::optional<double> temperature = fields.number("temperature", 0, 100);
  std::optional<double> topP = fields.number("top_p", 0, 1);
  std::optional<int64_t> topK = fields.integer("top_k", -1, INT32_MAX);
  std::optional<double> minP = fields.number("min_p", 0, 1);
  std::optional<double> penalty =
      fields.number("repetition_penalty", 1e-3, mostScale);
  std::optional<int64_t> seed = fields.integer("seed", INT64_MIN, INT64_MAX);
  // As SamplerFlags: a request for any of them is one for random choice.
  bool asked = topP || topK || minP;
  bool random = temperature ? *temperature > 0 : asked || defaults.sample;
  rt::SamplerOptions &sampler = result.sampler;
  if (temperature)
    sampler.temperature = static_cast<float>(*temperature);
  else
    sampler.temperature = random ? defaults.temperature.value_or(1) : 0;
  rt::GenerationDefaults none;
  const rt::GenerationDefaults &of = random ? defaults : none;
  auto choose = [](std::optional<double> given, std::optional<float> usual,
                   float otherwise) {
    return given ? static_cast<float>(*given) : usual.value_or(otherwise);
  };
  sampler.topP = choose(topP, of.topP, 1);
  // Others' clients say so that the likeliest token alone counts.
  if (sampler.topP == 0) {
    sampler.topP = 1;
    sampler.temperature = 0;
  }
  sampler.topK = std::max<int32_t>(
      topK ? static_cast<int32_t>(*topK) : of.topK.value_or(0), 0);
  sampler.minP = choose(minP, of.minP, 0);
  sampler.repetitionPenalty = choose(penalty, defaults.repetitionPenalty, 1);
  constexpr double most = rt::SamplerOptions::kMostAnswerPenalty;
  sampler.frequencyPenalty =
      choose(fields.number("frequency_penalty", -most, most), std::nullopt, 0);
  sampler.presencePenalty =
      choose(fields.number("presence_penalty", -most, most), std::nullopt, 0);
  result.hasSeed = seed.has_value();
  sampler.seed = static_cast<uint64_t>(seed.value_or(0));
}

void server::readAnswerFields(Fields &fields,
                              const rt::GenerationDefaults &defaults,
                              AnswerFields &result) {
  readSampler(fields, defaults, result);
  readBiases(fields, fields.problem(), result.sampler);
  result.stops = fields.texts("stop", kMostStops);
  std::erase(result.stops, "");
  result.choices =
      static_cast<int32_t>(fields.integer("n", 1, kMostChoices).value_or(1));
  result.streams = fields.flag("stream").value_or(false);
  if (const Json *options = fields.findObject("stream_options")) {
    Fields members(*options, fields.problem(), fields.path("stream_options"));
    result.includesUsage = members.flag("include_usage").value_or(false);
  }
  result.ignoresEnd = fields.flag("ignore_eos").value_or(false);
}
