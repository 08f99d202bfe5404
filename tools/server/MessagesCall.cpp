//===- MessagesCall.cpp - A request of Anthropic's messages ---------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/MessagesCall.h"

using namespace marimba;
using namespace marimba::server;

/// Texts of a content, which is one or a list of blocks of text.
static std::string readText(Fields &fields, std::string_view name) {
  const Json *found = fields.find(name);
  if (!found)
    return "";
  if (found->is_string())
    return found->get<std::string>();
  const Json *blocks = fields.findArray(name);
  std::string text;
  for (size_t i = 0; blocks && i < blocks->size(); ++i) {
    std::string place = fields.path(name) + "[" + std::to_string(i) + "]";
    if (!(*blocks)[i].is_object()) {
      setError(fields.problem(), place, "expected an object");
      return "";
    }
    Fields block((*blocks)[i], fields.problem(), place);
    if (!block.word("type", {"text"}))
      block.fail("type", "text");
    text += block.text("text").value_or("");
  }
  return text;
}

namespace {
/// Makes messages of one of the request's.
class BlockReader {
public:
  BlockReader(Json &messages, ApiError &error, bool isUser)
      : messages(messages), error(error), isUser(isUser) {}

  void read(const Json &block, const std::string &place);
  void finish();

private:
  Json &messages;
  ApiError &error;
  bool isUser;
  std::string text, thinking;
  Json calls;
};
} // namespace

void BlockReader::read(const Json &block, const std::string &place) {
  if (!block.is_object())
    return setError(error, place, "expected an object");
  Fields fields(block, error, place);
  std::string type = fields.text("type").value_or("");
  if (type == "text") {
    text += fields.text("text").value_or("");
  } else if (type == "thinking" && !isUser) {
    thinking += fields.text("thinking").value_or("");
  } else if (type == "redacted_thinking" && !isUser) {
    return;
  } else if (type == "tool_use" && !isUser) {
    std::optional<std::string> id = fields.text("id"),
                               name = fields.text("name");
    const Json *input = fields.findObject("input");
    if (!id || !name)
      return fields.fail(id ? "name" : "id", "a text");
    calls.push_back(
        {{"id", *id},
         {"type", "function"},
         {"function",
          {{"name", *name}, {"arguments", input ? writeJson(*input) : "{}"}}}});
  } else if (type == "tool_result" && isUser) {
    std::optional<std::string> id = fields.text("tool_use_id");
    if (!id)
      return fields.fail("tool_use_id", "a text");
    messages.push_back({{"role", "tool"},
                        {"tool_call_id", *id},
                        {"content", readText(fields, "content")}});
  } else {
    fields.fail("type",
                isUser ? "text or tool_result" : "text, thinking or tool_use");
  }
}

void BlockReader::finish() {
  if (isUser) {
    if (!text.empty())
      messages.push_back({{"role", "user"}, {"content", text}});
    return;
  }
  Json message = {{"role", "assistant"}, {"content", text}};
  if (!thinking.empty())
    message["reasoning_content"] = thinking;
  if (!calls.is_null())
    message["tool_calls"] = std::move(calls);
  messages.push_back(std::move(message));
}

static void readMessage(const Json &message, const std::string &place,
                        Json &messages, ApiError &error) {
  if (!message.is_object())
    return setError(error, place, "expected an object");
  Fields fields(message, error, place);
  std::optional<std::string> role = fields.word("role", {"user", "assistant"});
  if (!role)
    return fields.fail("role", "user or assistant");
  const Json *content = fields.find("content");
  if (content && content->is_string()) {
    messages.push_back({{"role", *role}, {"content", *content}});
    return;
  }
  if (!content || !content->is_array())
    return fields.fail("content", "a text or a list of blocks");
  BlockReader reader(messages, error, *role == "user");
  for (size_t i = 0; i < content->size() && fields.good(); ++i)
    reader.read((*content)[i], place + ".content[" + std::to_string(i) + "]");
  reader.finish();
}

/// {"name", "description", "input_schema"}
static void readTools(Fields &fields, rt::ChatRequest &chat) {
  const Json *tools = fields.findArray("tools");
  for (size_t i = 0; tools && i < tools->size() && fields.good(); ++i) {
    std::string place = "tools[" + std::to_string(i) + "]";
    if (!(*tools)[i].is_object())
      return setError(fields.problem(), place, "expected an object");
    Fields members((*tools)[i], fields.problem(), place);
    std::optional<std::string> name = members.text("name");
    const Json *schema = members.findObject("input_schema");
    if (!name || !schema)
      return members.fail(name ? "input_schema" : "name",
                          name ? "an object" : "a text");
    chat.tools.push_back(
        {{"type", "function"},
         {"function",
          {{"name", *name},
           {"description", members.text("description").value_or("")},
           {"parameters", *schema}}}});
  }
}

static void readChoice(Fields &fields, ChatCall &call) {
  const Json *choice = fields.findObject("tool_choice");
  if (!choice)
    return;
  Fields members(*choice, fields.problem(), "tool_choice");
  std::string type =
      members.word("type", {"auto", "any", "tool", "none"}).value_or("");
  call.parallelCalls =
      !members.flag("disable_parallel_tool_use").value_or(false);
  if (type == "tool")
    call.chat.toolChoice = {
        {"type", "function"},
        {"function", {{"name", members.text("name").value_or("")}}}};
  else if (!type.empty())
    call.chat.toolChoice = type == "any" ? "required" : type;
}

/// Their names for what OpenAI's requests say otherwise.
static void readAnswer(Fields &fields, const rt::GenerationDefaults &defaults,
                       bool counts, ChatCall &call) {
  readSampler(fields, defaults, call.answer);
  call.answer.maxTokens = fields.integer("max_tokens", 1, INT32_MAX);
  if (!call.answer.maxTokens && !counts)
    fields.fail("max_tokens", "a number of tokens");
  call.answer.stops = fields.texts("stop_sequences", kMostStops);
  std::erase(call.answer.stops, "");
  call.answer.streams = fields.flag("stream").value_or(false);
  if (const Json *thinking = fields.findObject("thinking")) {
    Fields members(*thinking, fields.problem(), "thinking");
    std::optional<std::string> type =
        members.word("type", {"enabled", "disabled", "adaptive"});
    if (type && *type != "adaptive")
      call.chat.thinks = *type == "enabled";
  }
}

std::optional<ChatCall>
server::parseMessages(const Json &body, const rt::GenerationDefaults &defaults,
                      bool counts, ApiError &error) {
  error = {.message = ""};
  ChatCall call;
  Fields fields(body, error);
  fields.text("model");
  Json messages = Json::array();
  if (fields.find("system"))
    messages.push_back(
        {{"role", "system"}, {"content", readText(fields, "system")}});
  const Json *list = fields.findArray("messages");
  if (!list || list->empty())
    fields.fail("messages", "a list of one message at least");
  for (size_t i = 0; list && i < list->size() && fields.good(); ++i)
    readMessage((*list)[i], "messages[" + std::to_string(i) + "]", messages,
                error);
  // A last message of the assistant is one that the answer goes on with.
  call.chat.continuesLast =
      !messages.empty() && messages.back()["role"] == "assistant";
  call.chat.messages = std::move(messages);
  readTools(fields, call.chat);
  readChoice(fields, call);
  readAnswer(fields, defaults, counts, call);
  if (!fields.good())
    return std::nullopt;
  return call;
}
