//===- ChatCall.cpp - What asks for an answer to messages -----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/ChatCall.h"

#include "marimba/KeptFile.h"

using namespace marimba;
using namespace marimba::server;

static void readLikeliest(Fields &fields, AnswerFields &answer) {
  bool wanted = fields.flag("logprobs").value_or(false);
  std::optional<int64_t> count =
      fields.integer("top_logprobs", 0, kMostLikeliest);
  if (count && !wanted && *count > 0)
    return fields.fail("top_logprobs", "logprobs to be true beside it");
  if (wanted)
    answer.likeliest = static_cast<int32_t>(count.value_or(0));
}

/// Functions as OpenAI had them before tools.
static void readOldFunctions(Fields &fields) {
  for (const char *name : {"functions", "function_call"})
    fields.refuse(name, "is not known here; expected tools and tool_choice");
}

static void readTemplateValues(Fields &fields, rt::ChatRequest &chat) {
  chat.thinks = fields.flag("enable_thinking");
  if (const Json *values = fields.findObject("chat_template_kwargs"))
    chat.values = *values;
  // Some templates have it as a word of theirs.
  if (std::optional<std::string> effort =
          fields.word("reasoning_effort",
                      {"none", "minimal", "low", "medium", "high", "xhigh"})) {
    if (*effort == "none" && !chat.thinks)
      chat.thinks = false;
    if (!chat.values.is_object())
      chat.values = Json::object();
    if (!chat.values.contains("reasoning_effort"))
      chat.values["reasoning_effort"] = *effort;
  }
}

std::optional<std::string> server::readSessionName(Fields &fields,
                                                   std::string_view name) {
  std::optional<std::string> session = fields.text(name);
  std::string problem;
  if (!session || rt::checkSessionName(*session, problem))
    return session;
  setError(fields.problem(), fields.path(name), problem);
  return std::nullopt;
}

void server::readMessages(Fields &fields, rt::ChatRequest &chat) {
  if (const Json *messages = fields.findArray("messages"))
    chat.messages = *messages;
  else
    fields.fail("messages", "a list of messages");
  if (chat.messages.empty())
    fields.fail("messages", "one message at least");
  if (const Json *tools = fields.findArray("tools"))
    chat.tools = *tools;
  if (const Json *choice = fields.find("tool_choice"))
    chat.toolChoice = *choice;
  readTemplateValues(fields, chat);
}

std::optional<ChatCall> server::parseChatCompletion(
    const Json &body, const rt::GenerationDefaults &defaults, ApiError &error) {
  error = {.message = ""};
  ChatCall call;
  Fields fields(body, error);
  fields.text("model");
  readMessages(fields, call.chat);
  call.session = readSessionName(fields, "session").value_or("");
  call.parallelCalls = fields.flag("parallel_tool_calls").value_or(true);
  call.chat.continuesLast =
      fields.flag("continue_final_message").value_or(false);
  readOldFunctions(fields);
  readAnswerFields(fields, defaults, call.answer);
  // The older name stands aside.
  std::optional<int64_t> most =
      fields.integer("max_completion_tokens", 1, INT32_MAX);
  std::optional<int64_t> older = fields.integer("max_tokens", 1, INT32_MAX);
  call.answer.maxTokens = most ? most : older;
  readLikeliest(fields, call.answer);
  readResponseFormat(fields, call.form);
  fields.refuse("audio", "is not known here; answers are text");
  fields.refuse("modalities", "expected [\"text\"]; answers are text",
                {"[\"text\"]"});
  if (!fields.good())
    return std::nullopt;
  return call;
}
