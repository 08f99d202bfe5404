//===- ResponsesCall.cpp - A request of OpenAI's responses ----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/ResponsesCall.h"

using namespace marimba;
using namespace marimba::server;

namespace {
/// Makes messages of the items of `input`.
class ItemReader {
public:
  ItemReader(Json &messages, ApiError &error)
      : messages(messages), error(error) {}

  void read(const Json &item, const std::string &place);

private:
  void readMessage(Fields &fields);
  void readCall(Fields &fields);
  void readOutput(Fields &fields);
  void readReasoning(Fields &fields);
  Json content(Fields &fields, std::string_view name);
  /// The message of the assistant that the last item was part of, or a new one.
  Json &assistant();

  Json &messages;
  ApiError &error;
  std::string reasoning; // for the next message of the assistant
};
} // namespace

/// Texts are all that there is: parts become OpenAI's older ones.
Json ItemReader::content(Fields &fields, std::string_view name) {
  const Json *found = fields.find(name);
  if (!found || found->is_string())
    return found ? *found : Json("");
  if (!found->is_array()) {
    fields.fail(name, "a text or a list of parts");
    return "";
  }
  std::string text;
  for (size_t i = 0; i < found->size(); ++i) {
    std::string place = fields.path(name) + "[" + std::to_string(i) + "]";
    if (!(*found)[i].is_object()) {
      setError(error, place, "expected an object");
      return "";
    }
    Fields part((*found)[i], error, place);
    if (!part.word("type", {"input_text", "output_text", "text"}))
      part.fail("type", "input_text, output_text or text");
    text += part.text("text").value_or("");
  }
  return text;
}

Json &ItemReader::assistant() {
  if (messages.empty() || messages.back()["role"] != "assistant" ||
      !reasoning.empty())
    messages.push_back({{"role", "assistant"}, {"content", ""}});
  Json &message = messages.back();
  if (!reasoning.empty())
    message["reasoning_content"] = std::exchange(reasoning, "");
  return message;
}

void ItemReader::readMessage(Fields &fields) {
  std::optional<std::string> role = fields.text("role");
  if (!role)
    return fields.fail("role", "a text");
  Json text = content(fields, "content");
  if (*role != "assistant") {
    messages.push_back({{"role", *role}, {"content", std::move(text)}});
    return;
  }
  // Calls come behind the text that they stand with.
  if (!messages.empty() && messages.back()["role"] == "assistant")
    messages.push_back({{"role", "assistant"}, {"content", ""}});
  assistant()["content"] = std::move(text);
}

void ItemReader::readCall(Fields &fields) {
  std::optional<std::string> id = fields.text("call_id"),
                             name = fields.text("name"),
                             arguments = fields.text("arguments");
  if (!id || !name)
    return fields.fail(id ? "name" : "call_id", "a text");
  assistant()["tool_calls"].push_back(
      {{"id", *id},
       {"type", "function"},
       {"function",
        {{"name", *name}, {"arguments", arguments.value_or("{}")}}}});
}

void ItemReader::readOutput(Fields &fields) {
  std::optional<std::string> id = fields.text("call_id");
  if (!id)
    return fields.fail("call_id", "a text");
  messages.push_back({{"role", "tool"},
                      {"tool_call_id", *id},
                      {"content", content(fields, "output")}});
}

void ItemReader::readReasoning(Fields &fields) {
  for (const char *name : {"content", "summary"})
    if (const Json *parts = fields.findArray(name))
      for (const Json &part : *parts)
        if (part.is_object() && part.contains("text") &&
            part["text"].is_string())
          reasoning += part["text"].get<std::string>();
}

void ItemReader::read(const Json &item, const std::string &place) {
  if (!item.is_object())
    return setError(error, place, "expected an object");
  Fields fields(item, error, place);
  std::string type = fields.text("type").value_or("message");
  if (type == "message")
    readMessage(fields);
  else if (type == "function_call")
    readCall(fields);
  else if (type == "function_call_output")
    readOutput(fields);
  else if (type == "reasoning")
    readReasoning(fields);
  else
    fields.fail("type", "message, function_call, function_call_output or "
                        "reasoning");
}

static void readInput(Fields &fields, Json &messages) {
  if (std::optional<std::string> text = fields.text("instructions"))
    messages.push_back({{"role", "system"}, {"content", *text}});
  const Json *input = fields.find("input");
  if (input && input->is_string()) {
    messages.push_back({{"role", "user"}, {"content", *input}});
    return;
  }
  if (!input || !input->is_array() || input->empty())
    return fields.fail("input", "a text, or a list of one item at least");
  ItemReader reader(messages, fields.problem());
  for (size_t i = 0; i < input->size() && fields.good(); ++i)
    reader.read((*input)[i], "input[" + std::to_string(i) + "]");
}

/// {"type": "function", "name", ...}: here the name stands beside the type.
static void readTools(Fields &fields, rt::ChatRequest &chat) {
  const Json *tools = fields.findArray("tools");
  for (size_t i = 0; tools && i < tools->size() && fields.good(); ++i) {
    std::string place = "tools[" + std::to_string(i) + "]";
    const Json &tool = (*tools)[i];
    if (!tool.is_object())
      return setError(fields.problem(), place, "expected an object");
    Fields members(tool, fields.problem(), place);
    if (!members.word("type", {"function"}))
      return members.fail("type", "function");
    Json function = tool;
    function.erase("type");
    function.erase("strict");
    chat.tools.push_back(
        {{"type", "function"}, {"function", std::move(function)}});
  }
  const Json *choice = fields.find("tool_choice");
  if (!choice)
    return;
  chat.toolChoice = *choice;
  if (choice->is_object() && choice->contains("name"))
    chat.toolChoice = {{"type", "function"},
                       {"function", {{"name", (*choice)["name"]}}}};
}

std::optional<ChatCall>
server::parseResponse(const Json &body, const rt::GenerationDefaults &defaults,
                      ApiError &error) {
  error = {.message = ""};
  ChatCall call;
  Fields fields(body, error);
  fields.text("model");
  call.chat.messages = Json::array();
  readInput(fields, call.chat.messages);
  readTools(fields, call.chat);
  call.parallelCalls = fields.flag("parallel_tool_calls").value_or(true);
  for (const char *name : {"previous_response_id", "conversation", "prompt"})
    fields.refuse(name, "is not known here: nothing is kept between calls; "
                        "expected all of the conversation in input");
  fields.refuse("background", "is not known here");
  readAnswerFields(fields, defaults, call.answer);
  call.answer.choices = 1;
  call.answer.maxTokens = fields.integer("max_output_tokens", 1, INT32_MAX);
  if (const Json *reasoning = fields.findObject("reasoning")) {
    Fields members(*reasoning, error, "reasoning");
    if (std::optional<std::string> effort = members.text("effort")) {
      if (*effort == "none")
        call.chat.thinks = false;
      call.chat.values = {{"reasoning_effort", *effort}};
    }
  }
  readTextFormat(fields, call.form);
  if (!fields.good())
    return std::nullopt;
  return call;
}
