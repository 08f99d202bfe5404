//===- Sampling.cpp - marimba_sampling ------------------------------------===//

#include "runtime/capi/CApi.h"

#include <cstddef>
#include <cstring>

using namespace marimba;

bool capi::readSampling(const marimba_sampling *given, Sampling &sampling,
                        std::string &error) {
  if (!given)
    return true;
  // A program that was built with an older header knows fewer fields.
  if (given->size < offsetof(marimba_sampling, max_tokens) + sizeof(int64_t) ||
      given->size > sizeof(marimba_sampling)) {
    error = "sampling.size is " + std::to_string(given->size) + ", expected " +
            std::to_string(sizeof(marimba_sampling));
    return false;
  }
  marimba_sampling all = {};
  std::memcpy(&all, given, given->size);
  if (all.max_tokens < 0) {
    error = "sampling.max_tokens is " + std::to_string(all.max_tokens) +
            ", expected 0 or more";
    return false;
  }
  sampling.maxTokens = all.max_tokens;
  sampling.ignoreEnd = all.ignore_end != 0;
  sampling.sampler.temperature = all.temperature;
  sampling.sampler.topK = all.top_k;
  sampling.sampler.topP = all.top_p == 0 ? 1 : all.top_p;
  sampling.sampler.minP = all.min_p;
  sampling.sampler.repetitionPenalty =
      all.repetition_penalty == 0 ? 1 : all.repetition_penalty;
  sampling.sampler.seed = all.seed;
  sampling.sampler.frequencyPenalty = all.frequency_penalty;
  sampling.sampler.presencePenalty = all.presence_penalty;
  if (all.bias_count && (!all.bias_ids || !all.bias_values)) {
    error = "sampling.bias_ids: expected ids and values, found none";
    return false;
  }
  for (size_t i = 0; i < all.bias_count; ++i)
    sampling.sampler.logitBias.emplace_back(all.bias_ids[i],
                                            all.bias_values[i]);
  error = rt::checkSamplerOptions(sampling.sampler);
  if (!error.empty())
    return false;
  for (size_t i = 0; i < all.stop_count; ++i) {
    if (!all.stops || !all.stops[i] || !*all.stops[i]) {
      error = "sampling.stops: expected texts, found none or an empty one";
      return false;
    }
    sampling.stops.emplace_back(all.stops[i]);
  }
  return true;
}

marimba_end capi::endOf(rt::AnswerEnd end) {
  switch (end) {
  case rt::AnswerEnd::Model:
    return MARIMBA_END_MODEL;
  case rt::AnswerEnd::Stop:
    return MARIMBA_END_STOP;
  case rt::AnswerEnd::Length:
    return MARIMBA_END_LENGTH;
  case rt::AnswerEnd::Interrupted:
    return MARIMBA_END_INTERRUPTED;
  }
  return MARIMBA_GOES_ON;
}
