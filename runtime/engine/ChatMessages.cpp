//===- ChatMessages.cpp - Messages as templates expect them ---------------===//

#include "ChatMessages.h"

#include "Text.h"
#include "marimba/formats/JsonText.h"

#include <algorithm>
#include <map>
#include <optional>

namespace marimba::rt {

using Json = nlohmann::ordered_json;

MessageStyle MessageStyle::of(std::string_view source) {
  auto has = [&](std::string_view text) {
    return source.find(text) != source.npos;
  };
  MessageStyle style;
  style.marks = ThoughtMarks::of(source);
  style.hasDeveloper = has("developer");
  if (has("reasoning_content"))
    style.thoughts = Thoughts::Member;
  else if (has(".thinking") || has("'thinking'") || has("\"thinking\""))
    style.thoughts = Thoughts::OtherMember;
  else if (has(style.marks.end))
    style.thoughts = Thoughts::Content;
  return style;
}

namespace {

/// Reads one message after another; the first problem counts.
class Reader {
public:
  Reader(const MessageStyle &style, std::string &error)
      : style(style), error(error) {}

  std::optional<Json> read(const Json &message, size_t index);

private:
  bool fail(const std::string &field, const std::string &problem) {
    error = place + field + " " + problem;
    return false;
  }
  bool failExpected(const std::string &field, const Json &found,
                    const std::string &expected) {
    return fail(field, "is " + printJson(nlohmann::json(found)) +
                           ", expected " + expected);
  }
  /// The text of `found`: a text, or a list of parts that are texts.
  bool readText(const std::string &field, const Json &found, std::string &text);
  bool readPart(const std::string &field, const Json &part, std::string &text);
  bool readRole(const Json &message, std::string &role);
  bool readContent(const Json &message, const std::string &role,
                   std::string &content);
  bool readCalls(const Json &calls, Json &result);
  bool readCall(const std::string &field, const Json &call, Json &result);
  bool readArguments(const std::string &field, const Json &function,
                     Json &result);
  bool readThoughts(const Json &message, std::string &thoughts);
  bool addToolName(const Json &message, Json &result);

  const MessageStyle &style;
  std::string &error;
  std::string place; // "messages[3]"
  /// The functions of earlier calls, by the ids of these.
  std::map<std::string, std::string> nameOfCall;
};

} // namespace

/// The member `name` of an object; null where it has none, or says null.
static const Json *find(const Json &object, const char *name) {
  auto member = object.find(name);
  return member == object.end() || member->is_null() ? nullptr : &*member;
}

bool Reader::readPart(const std::string &field, const Json &part,
                      std::string &text) {
  if (!part.is_object())
    return failExpected(field, part, "an object of type \"text\"");
  const Json *type = find(part, "type");
  const char *member = "text";
  if (type && *type == "refusal")
    member = "refusal";
  else if (type && *type != "text")
    return failExpected(field + ".type", *type, "\"text\"");
  const Json *found = find(part, member);
  if (!found)
    return fail(field, std::string("has no ") + member);
  if (!found->is_string())
    return failExpected(field + "." + member, *found, "a text");
  text = found->get<std::string>();
  return true;
}

bool Reader::readText(const std::string &field, const Json &found,
                      std::string &text) {
  if (found.is_string()) {
    text = found.get<std::string>();
    return true;
  }
  if (!found.is_array())
    return failExpected(field, found, "a text or a list of parts");
  for (size_t i = 0; i < found.size(); ++i) {
    std::string part;
    if (!readPart(field + "[" + std::to_string(i) + "]", found[i], part))
      return false;
    text += (i ? "\n" : "") + part;
  }
  return true;
}

bool Reader::readRole(const Json &message, std::string &role) {
  constexpr const char *roles[] = {"system", "developer", "user", "assistant",
                                   "tool"};
  const Json *found = find(message, "role");
  if (!found)
    return fail("", "has no role");
  if (std::ranges::none_of(roles, [&](auto name) { return *found == name; }))
    return failExpected(".role", *found,
                        "system, developer, user, assistant or tool");
  role = found->get<std::string>();
  return true;
}

bool Reader::readContent(const Json &message, const std::string &role,
                         std::string &content) {
  const Json *found = find(message, "content");
  if (found)
    return readText(".content", *found, content);
  // Calls and thoughts may stand alone.
  const Json *calls = find(message, "tool_calls");
  bool says = (calls && !calls->empty()) ||
              find(message, "reasoning_content") ||
              find(message, "reasoning") || find(message, "refusal");
  if (role == "assistant" && says)
    return true;
  return fail("", "has no content");
}

bool Reader::readArguments(const std::string &field, const Json &function,
                           Json &result) {
  const Json *found = find(function, "arguments");
  Json object = Json::object();
  std::string written = "{}";
  if (found && found->is_object()) {
    object = *found;
    written = object.dump();
  } else if (found && found->is_string()) {
    auto text = found->get<std::string>();
    if (!text::trim(text).empty()) {
      std::string problem;
      // What nests deep is no JSON here.
      if (!parseUniqueJson(text, problem))
        return fail(field + ".arguments", "is " + problem);
      object = parseJsonText<Json>(text);
      written = text;
    }
  } else if (found) {
    return failExpected(field + ".arguments", *found, "the text of an object");
  }
  if (!object.is_object())
    return failExpected(field + ".arguments", object, "an object");
  result["arguments"] = style.wantsArgumentText ? Json(written) : object;
  return true;
}

bool Reader::readCall(const std::string &field, const Json &call,
                      Json &result) {
  if (!call.is_object())
    return failExpected(field, call, "an object");
  const Json *type = find(call, "type");
  if (type && *type != "function")
    return failExpected(field + ".type", *type, "\"function\"");
  const Json *function = find(call, "function");
  if (!function || !function->is_object())
    return fail(field, "has no function, expected an object");
  const Json *name = find(*function, "name");
  if (!name || !name->is_string() ||
      name->get_ref<const std::string &>().empty())
    return fail(field + ".function", "has no name");
  Json inner{{"name", *name}};
  if (!readArguments(field + ".function", *function, inner))
    return false;
  result = Json::object();
  if (const Json *id = find(call, "id")) {
    if (!id->is_string())
      return failExpected(field + ".id", *id, "a text");
    result["id"] = *id;
    nameOfCall[id->get<std::string>()] = name->get<std::string>();
  }
  result["type"] = "function";
  result["function"] = std::move(inner);
  return true;
}

bool Reader::readCalls(const Json &calls, Json &result) {
  if (!calls.is_array())
    return failExpected(".tool_calls", calls, "a list");
  result = Json::array();
  for (size_t i = 0; i < calls.size(); ++i) {
    result.emplace_back();
    if (!readCall(".tool_calls[" + std::to_string(i) + "]", calls[i],
                  result.back()))
      return false;
  }
  return true;
}

bool Reader::readThoughts(const Json &message, std::string &thoughts) {
  for (const char *name : {"reasoning_content", "reasoning"})
    if (const Json *found = find(message, name)) {
      if (!found->is_string())
        return failExpected(std::string(".") + name, *found, "a text");
      thoughts = found->get<std::string>();
      return true;
    }
  return true;
}

/// What was called, which some templates write, by the id of the call.
bool Reader::addToolName(const Json &message, Json &result) {
  const Json *id = find(message, "tool_call_id");
  if (!id)
    return fail("", "has no tool_call_id");
  if (!id->is_string())
    return failExpected(".tool_call_id", *id, "a text");
  auto known = nameOfCall.find(id->get<std::string>());
  if (!find(message, "name") && known != nameOfCall.end())
    result["name"] = known->second;
  return true;
}

/// Puts thoughts where the template looks for them.
static void placeThoughts(const MessageStyle &style,
                          const std::string &thoughts, Json &message) {
  if (thoughts.empty())
    return;
  switch (style.thoughts) {
  case MessageStyle::Thoughts::Nowhere:
    return;
  case MessageStyle::Thoughts::Member:
    message["reasoning_content"] = thoughts;
    return;
  case MessageStyle::Thoughts::OtherMember:
    message["thinking"] = thoughts;
    return;
  case MessageStyle::Thoughts::Content:
    message["content"] = std::string(style.marks.begin) + "\n" + thoughts +
                         "\n" + std::string(style.marks.end) + "\n\n" +
                         message["content"].get<std::string>();
  }
}

std::optional<Json> Reader::read(const Json &message, size_t index) {
  place = "messages[" + std::to_string(index) + "]";
  if (!message.is_object()) {
    failExpected("", message, "an object");
    return std::nullopt;
  }
  std::string role, content, thoughts;
  if (!readRole(message, role) || !readContent(message, role, content) ||
      !readThoughts(message, thoughts))
    return std::nullopt;
  bool renamed = role == "developer" && !style.hasDeveloper;
  Json result{{"role", renamed ? "system" : role}, {"content", content}};
  if (role == "assistant")
    placeThoughts(style, thoughts, result);
  if (const Json *calls = find(message, "tool_calls")) {
    if (role != "assistant" && !calls->empty()) {
      fail(".tool_calls", "is there, expected it of the assistant only");
      return std::nullopt;
    }
    Json read;
    if (!readCalls(*calls, read))
      return std::nullopt;
    // Templates ask whether it is there.
    if (!read.empty())
      result["tool_calls"] = std::move(read);
  }
  if (role == "tool" && !addToolName(message, result))
    return std::nullopt;
  for (const auto &[key, value] : message.items())
    if (!value.is_null() && !result.contains(key) && key != "tool_calls" &&
        key != "reasoning_content" && key != "reasoning")
      result[key] = value;
  return result;
}

Json readMessages(const Json &messages, const MessageStyle &style,
                  std::string &error) {
  error.clear();
  if (!messages.is_array() || messages.empty()) {
    error = messages.is_array()
                ? "messages is empty, expected one message at least"
                : "messages is " + printJson(nlohmann::json(messages)) +
                      ", expected a list";
    return nullptr;
  }
  Json result = Json::array();
  Reader reader(style, error);
  for (size_t i = 0; i < messages.size(); ++i) {
    std::optional<Json> read = reader.read(messages[i], i);
    if (!read)
      return nullptr;
    result.push_back(std::move(*read));
  }
  return result;
}

} // namespace marimba::rt
