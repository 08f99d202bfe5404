//===- GenerationApi.cpp - A session goes on, for programs in C -----------===//
//
// See marimba.h.
//
//===----------------------------------------------------------------------===//

#include "runtime/capi/SessionApi.h"

#include "marimba/Generation.h"

#include <algorithm>
#include <cstddef>
#include <optional>

using namespace marimba;
using namespace marimba::capi;

/// Of the tokens in front, so many decide how the text behind them is decoded:
/// more than a character has.
static constexpr size_t kContext = 1024;

struct marimba_generation {
  marimba_session *session;
  std::shared_ptr<const rt::Tokenizer> tokenizer; // outlives the text
  std::optional<rt::AnswerText> answer;           // none without a tokenizer
  rt::Sampler sampler;
  int64_t maxTokens;
  bool ignoresEnd;
  /// Tokens that the session has, and that were given.
  int64_t length, made = 0;
  /// Given, and not in the session yet.
  std::optional<int32_t> pending = std::nullopt;
  marimba_end end = MARIMBA_GOES_ON;
  bool done = false;
  std::string text = {}; // of the last event
};

marimba_code marimba_generation_create(const marimba_model *model,
                                       marimba_session *session,
                                       const marimba_sampling *given,
                                       marimba_generation **generation,
                                       char **message) try {
  rt::ClassicLocale classic;
  if (!model || !session || !generation)
    return failNull("marimba_generation_create", message);
  *generation = nullptr;
  auto bad = [&](marimba_code code, const std::string &what) {
    return fail(code, "marimba_generation_create: " + what, message);
  };
  Sampling sampling;
  std::string error;
  if (!readSampling(given, sampling, error))
    return bad(MARIMBA_BAD_ARGUMENT, error);
  if (model->ready != session->model)
    return bad(MARIMBA_BAD_ARGUMENT, "the session is of another model");
  if (!model->tokenizer && !sampling.stops.empty())
    return bad(MARIMBA_BAD_ARGUMENT, "sampling.stops: " + model->noTokenizer);
  if (session->lastLogits().empty())
    return bad(MARIMBA_BAD_STATE,
               "what follows the last token is not known, expected one that "
               "was read with logits");
  std::span<const int32_t> ids = session->session->tokens(0);
  std::optional<rt::AnswerText> answer;
  if (model->tokenizer)
    answer.emplace(*model->tokenizer, std::move(sampling.stops),
                   ids.last(std::min(ids.size(), kContext)));
  auto made = std::unique_ptr<marimba_generation>(new marimba_generation{
      session, model->tokenizer, std::move(answer),
      rt::Sampler(sampling.sampler),
      sampling.maxTokens
          ? sampling.maxTokens
          : static_cast<int64_t>(rt::GenerateOptions().maxTokens),
      sampling.ignoreEnd, static_cast<int64_t>(ids.size())});
  made->sampler.see(ids);
  *generation = made.release();
  return succeed(message);
} catch (...) {
  return failCaught("marimba_generation_create", message);
}

void marimba_generation_free(marimba_generation *generation) {
  delete generation;
}

/// Gives the session the last token. A code and `error` where that fails.
static marimba_code takePending(marimba_generation &generation,
                                std::string &error) {
  marimba_session &session = *generation.session;
  if (session.session->length(0) != generation.length) {
    error = "the session went on by other calls";
    return MARIMBA_BAD_STATE;
  }
  if (!generation.pending)
    return MARIMBA_SUCCESS;
  std::vector<float> &logits = session.newLogits();
  if (!session.session->append({&*generation.pending, 1},
                               rt::LogitsWanted::Last, logits, error)) {
    logits.clear();
    return MARIMBA_FAILED;
  }
  generation.pending.reset();
  ++generation.length;
  return MARIMBA_SUCCESS;
}

/// Chooses a token and decides whether the text ends with it.
static int32_t choose(marimba_generation &generation) {
  int32_t id = generation.sampler.sample(generation.session->lastLogits());
  generation.pending = id;
  ++generation.made;
  if (generation.answer)
    generation.text = generation.answer->push(id);
  const std::vector<int32_t> &ends = generation.session->model->endIds();
  if (generation.answer && generation.answer->stopped())
    generation.end = MARIMBA_END_STOP;
  else if (!generation.ignoresEnd && std::ranges::find(ends, id) != ends.end())
    generation.end = MARIMBA_END_MODEL;
  else if (generation.made == generation.maxTokens)
    generation.end = MARIMBA_END_LENGTH;
  return id;
}

marimba_code marimba_generation_next(marimba_generation *generation,
                                     marimba_event *event, char **message) try {
  rt::ClassicLocale classic;
  if (!generation || !event)
    return failNull("marimba_generation_next", message);
  if (event->size != sizeof(marimba_event))
    return fail(MARIMBA_BAD_ARGUMENT,
                "marimba_generation_next: event.size is " +
                    std::to_string(event->size) + ", expected " +
                    std::to_string(sizeof(marimba_event)),
                message);
  int32_t id = -1;
  generation->text.clear();
  if (generation->end == MARIMBA_GOES_ON) {
    std::string error;
    if (marimba_code code = takePending(*generation, error))
      return fail(code, "marimba_generation_next: " + error, message);
    id = choose(*generation);
  } else if (!generation->done) {
    generation->done = true;
    if (generation->answer)
      generation->text = generation->answer->finish();
  }
  *event = {sizeof(marimba_event), 0, id,
            id >= 0 ? MARIMBA_GOES_ON : generation->end,
            generation->text.c_str()};
  return succeed(message);
} catch (...) {
  return failCaught("marimba_generation_next", message);
}

marimba_code marimba_generation_close(marimba_generation *generation,
                                      char **message) try {
  rt::ClassicLocale classic;
  if (!generation)
    return failNull("marimba_generation_close", message);
  if (generation->end == MARIMBA_GOES_ON)
    generation->end = MARIMBA_END_INTERRUPTED;
  std::string error;
  if (marimba_code code = takePending(*generation, error))
    return fail(code, "marimba_generation_close: " + error, message);
  return succeed(message);
} catch (...) {
  return failCaught("marimba_generation_close", message);
}
