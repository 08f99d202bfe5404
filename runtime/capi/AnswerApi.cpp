//===- AnswerApi.cpp - The text of an answer, for programs in C -----------===//
//
// See marimba.h.
//
//===----------------------------------------------------------------------===//

#include "runtime/capi/CApi.h"

#include "marimba/AnswerText.h"

using namespace marimba;
using namespace marimba::capi;

struct marimba_answer {
  std::shared_ptr<const rt::Tokenizer> tokenizer; // outlives the text
  rt::AnswerText text;
};

/// Gives a text back through `shown`, which may be null.
static marimba_code give(const std::string &text, const char *function,
                         char **shown, char **message) {
  if (!shown)
    return succeed(message);
  *shown = copyText(text);
  return *shown ? succeed(message)
                : fail(MARIMBA_FAILED, std::string(function) + ": no memory",
                       message);
}

marimba_code marimba_answer_create(const marimba_model *model,
                                   const char *const *stops, size_t stop_count,
                                   const int32_t *prompt, size_t prompt_count,
                                   marimba_answer **answer,
                                   char **message) try {
  rt::ClassicLocale classic;
  if (!model || !answer || (!stops && stop_count) || (!prompt && prompt_count))
    return failNull("marimba_answer_create", message);
  *answer = nullptr;
  if (!isCount(prompt_count))
    return failCount("marimba_answer_create", prompt_count, message,
                     "prompt_count");
  if (!model->tokenizer)
    return fail(MARIMBA_BAD_MODEL, model->noTokenizer, message);
  std::vector<std::string> texts;
  for (size_t i = 0; i < stop_count; ++i) {
    if (!stops[i])
      return failNull("marimba_answer_create", message);
    texts.emplace_back(stops[i]);
  }
  *answer = new marimba_answer{
      model->tokenizer, rt::AnswerText(*model->tokenizer, std::move(texts),
                                       {prompt, prompt_count})};
  return succeed(message);
} catch (...) {
  return failCaught("marimba_answer_create", message);
}

void marimba_answer_free(marimba_answer *answer) { delete answer; }

marimba_code marimba_answer_push(marimba_answer *answer, int32_t id,
                                 char **text, int *stopped,
                                 char **message) try {
  rt::ClassicLocale classic;
  if (!answer)
    return failNull("marimba_answer_push", message);
  std::string shown = answer->text.push(id);
  if (stopped)
    *stopped = answer->text.stopped();
  return give(shown, "marimba_answer_push", text, message);
} catch (...) {
  return failCaught("marimba_answer_push", message);
}

marimba_code marimba_answer_finish(marimba_answer *answer, char **text,
                                   char **message) try {
  rt::ClassicLocale classic;
  if (!answer)
    return failNull("marimba_answer_finish", message);
  return give(answer->text.finish(), "marimba_answer_finish", text, message);
} catch (...) {
  return failCaught("marimba_answer_finish", message);
}
