//===- ChatApi.cpp - Conversations, for programs in C ---------------------===//
//
// See marimba.h.
//
//===----------------------------------------------------------------------===//

#include "runtime/capi/CApi.h"

#include "marimba/Chat.h"
#include "marimba/Session.h"
#include "marimba/TextFile.h"

#include <atomic>
#include <cstddef>
#include <cstring>

using namespace marimba;
using namespace marimba::capi;

struct marimba_chat {
  std::shared_ptr<const rt::ReadyModel> model;
  std::shared_ptr<const rt::Tokenizer> tokenizer;
  std::unique_ptr<rt::ChatTemplate> form;
  std::unique_ptr<rt::Chat> chat; // uses them
  std::atomic<bool> interrupted = false;
};

/// What `given`, which may be null, says; the name of the template to `form`.
static bool readChatOptions(const marimba_chat_options *given,
                            rt::ChatOptions &options, std::string &form,
                            std::string &error) {
  if (!given)
    return true;
  if (given->size != sizeof(marimba_chat_options)) {
    error = "options.size is " + std::to_string(given->size) + ", expected " +
            std::to_string(sizeof(marimba_chat_options));
    return false;
  }
  Sampling sampling;
  if (!readSampling(given->sampling, sampling, error))
    return false;
  options.sampler = sampling.sampler;
  if (sampling.maxTokens)
    options.maxTokens = sampling.maxTokens;
  options.stops = std::move(sampling.stops);
  if (given->system)
    options.system = given->system;
  if (given->form)
    form = given->form;
  if (given->tools)
    options.values.tools = given->tools;
  if (given->template_values)
    options.values.others = given->template_values;
  options.hidesThoughts = given->hide_thoughts != 0;
  if (std::string problem = options.values.problem(); !problem.empty()) {
    bool isTools = problem.starts_with("tools");
    error = std::string("options.") + (isTools ? "tools" : "template_values") +
            problem.substr(problem.find(':'));
    return false;
  }
  error = rt::findUtf8Problem(options.system);
  if (!error.empty())
    error = "options.system " + error;
  return error.empty();
}

marimba_code marimba_chat_create(const marimba_model *model,
                                 const marimba_chat_options *given,
                                 marimba_chat **chat, char **message) try {
  rt::ClassicLocale classic;
  if (!model || !chat)
    return failNull("marimba_chat_create", message);
  *chat = nullptr;
  rt::ChatOptions options;
  std::string form, error;
  if (!readChatOptions(given, options, form, error))
    return fail(MARIMBA_BAD_ARGUMENT, "marimba_chat_create: " + error, message);
  if (!model->tokenizer)
    return fail(MARIMBA_BAD_MODEL, model->noTokenizer, message);
  auto made = std::make_unique<marimba_chat>();
  made->model = model->ready;
  made->tokenizer = model->tokenizer;
  made->form = model->loadTemplate(form, error);
  if (!made->form && !error.empty())
    return fail(MARIMBA_BAD_MODEL, error, message);
  made->chat = rt::Chat::create(*made->model, *made->tokenizer,
                                made->form.get(), options, error);
  if (!made->chat)
    return fail(MARIMBA_FAILED, error, message);
  *chat = made.release();
  return succeed(message);
} catch (...) {
  return failCaught("marimba_chat_create", message);
}

void marimba_chat_free(marimba_chat *chat) { delete chat; }

marimba_code marimba_chat_ask(marimba_chat *chat, const char *question,
                              marimba_text_function onText, void *user,
                              char **answer, marimba_end *end,
                              char **message) try {
  rt::ClassicLocale classic;
  if (!chat || !question)
    return failNull("marimba_chat_ask", message);
  if (answer)
    *answer = nullptr;
  if (std::string problem = rt::findUtf8Problem(question); !problem.empty())
    return fail(MARIMBA_BAD_ARGUMENT,
                "marimba_chat_ask: the question " + problem, message);
  rt::ChatTurn turn;
  std::string error;
  bool goOn = true;
  auto hear = [&](std::string_view piece) {
    if (onText && goOn)
      goOn = onText(user, std::string(piece).c_str()) != 0;
  };
  auto goesOn = [&] { return goOn && !chat->interrupted; };
  chat->interrupted = false;
  if (!chat->chat->ask(question, hear, goesOn, turn, error))
    return fail(MARIMBA_FAILED, error, message);
  if (end)
    *end = endOf(turn.end);
  if (answer && !(*answer = copyText(turn.answer)))
    return fail(MARIMBA_FAILED, "marimba_chat_ask: no memory", message);
  return succeed(message);
} catch (...) {
  return failCaught("marimba_chat_ask", message);
}

void marimba_chat_interrupt(marimba_chat *chat) {
  if (chat)
    chat->interrupted = true;
}

int marimba_chat_undo(marimba_chat *chat) { return chat && chat->chat->undo(); }

void marimba_chat_reset(marimba_chat *chat) {
  try {
    if (chat)
      chat->chat->reset();
  } catch (...) {
    // Without memory for the system's message: as empty as it gets.
  }
}

marimba_code marimba_chat_save(marimba_chat *chat, const char *path,
                               char **message) try {
  rt::ClassicLocale classic;
  if (!chat || !path)
    return failNull("marimba_chat_save", message);
  std::string error;
  return chat->chat->save(path, error)
             ? succeed(message)
             : fail(MARIMBA_BAD_STATE, error, message);
} catch (...) {
  return failCaught("marimba_chat_save", message);
}

marimba_code marimba_chat_load(marimba_chat *chat, const char *path,
                               char **message) try {
  rt::ClassicLocale classic;
  if (!chat || !path)
    return failNull("marimba_chat_load", message);
  std::string error;
  return chat->chat->load(path, /*note=*/{}, error)
             ? succeed(message)
             : fail(MARIMBA_BAD_STATE, error, message);
} catch (...) {
  return failCaught("marimba_chat_load", message);
}
