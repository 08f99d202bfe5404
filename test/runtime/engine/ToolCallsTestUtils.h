//===- ToolCallsTestUtils.h - Answers with calls, read in pieces -*- C++
//-*-===//

#ifndef MARIMBA_TEST_RUNTIME_ENGINE_TOOLCALLSTESTUTILS_H
#define MARIMBA_TEST_RUNTIME_ENGINE_TOOLCALLSTESTUTILS_H

#include "marimba/AnswerParts.h"
#include "marimba/ToolCalls.h"

#include <gtest/gtest.h>

namespace marimba::rt {

/// The tools that a list in OpenAI's form has.
inline std::vector<Tool> toolsOf(const char *list) {
  std::vector<Tool> result;
  std::string error;
  EXPECT_TRUE(readTools(nlohmann::ordered_json::parse(list), result, error))
      << error;
  return result;
}

inline std::vector<Tool> someTools() {
  return toolsOf(R"([
    {"type": "function", "function": {"name": "weather", "parameters":
      {"type": "object", "properties": {
        "city": {"type": "string"}, "days": {"type": "integer"},
        "hot": {"type": "boolean"}, "of": {"type": "array"},
        "with": {"type": "object"}, "code": {"type": ["string", "null"]},
        "any": {}}, "required": ["city"]}}},
    {"type": "function", "function": {"name": "time"}}])");
}

inline AnswerParts::Options optionsOf(const char *form) {
  AnswerParts::Options options;
  options.form = findToolCallForm(form);
  EXPECT_NE(options.form, nullptr) << form;
  options.tools = someTools();
  options.makeId = [] { return "id"; };
  return options;
}

/// What an answer is in a line: "thoughts" text f{...} g{...!, the last one of
/// a call that is not whole.
inline std::string describe(const AnswerMessage &message) {
  std::string line;
  if (!message.reasoning.empty())
    line += "\"" + message.reasoning + "\" ";
  line += message.text;
  for (const AnswerMessage::Call &call : message.calls) {
    std::string arguments = call.arguments;
    if (call.whole) // as it means, not as it is written
      arguments = nlohmann::ordered_json::parse(call.arguments).dump();
    line += " " + call.name + arguments + (call.whole ? "" : "!");
  }
  return line;
}

/// In pieces that end at `ends`. Checks the events for order.
inline AnswerMessage readPieces(const AnswerParts::Options &options,
                                std::string_view text,
                                const std::vector<size_t> &ends) {
  AnswerParts parts(options);
  AnswerMessage message;
  size_t open = 0, begun = 0;
  auto hear = [&](std::vector<AnswerEvent> &events) {
    for (const AnswerEvent &event : events) {
      EXPECT_TRUE(event.kind == AnswerEvent::Kind::CallBegun ||
                  event.kind == AnswerEvent::Kind::CallEnded ||
                  !event.text.empty());
      if (event.kind == AnswerEvent::Kind::CallBegun) {
        EXPECT_EQ(event.call, begun++);
        // Kimi's models write their own.
        if (options.form == findToolCallForm("kimi"))
          EXPECT_FALSE(event.id.empty());
        else
          EXPECT_EQ(event.id, "id");
        open = begun;
      } else if (event.kind == AnswerEvent::Kind::Arguments) {
        EXPECT_EQ(event.call + 1, open) << text;
      } else if (event.kind == AnswerEvent::Kind::CallEnded) {
        EXPECT_EQ(event.call + 1, open) << text;
        open = 0;
      }
      message.add(event);
    }
    events.clear();
  };
  std::vector<AnswerEvent> events;
  size_t at = 0;
  for (size_t end : ends) {
    parts.push(text.substr(at, end - at), events);
    hear(events);
    at = end;
  }
  parts.finish(events);
  hear(events);
  return message;
}

/// In one piece, in two at every place, and byte by byte: always the same.
inline std::string read(const AnswerParts::Options &options,
                        std::string_view text) {
  std::string whole = describe(readPieces(options, text, {text.size()}));
  std::vector<size_t> bytes;
  for (size_t i = 1; i <= text.size(); ++i) {
    EXPECT_EQ(describe(readPieces(options, text, {i, text.size()})), whole)
        << text << " cut at " << i;
    bytes.push_back(i);
  }
  EXPECT_EQ(describe(readPieces(options, text, bytes)), whole) << text;
  return whole;
}

inline std::string read(const char *form, std::string_view text) {
  return read(optionsOf(form), text);
}

} // namespace marimba::rt

#endif // MARIMBA_TEST_RUNTIME_ENGINE_TOOLCALLSTESTUTILS_H
