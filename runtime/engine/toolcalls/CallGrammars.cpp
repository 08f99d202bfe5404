//===- CallGrammars.cpp - Pieces of grammars of calls ---------------------===//

#include "CallGrammars.h"

#include "JsonCalls.h"

#include <utility>

namespace marimba::rt {

using Json = nlohmann::ordered_json;

/// So that an answer ends.
static constexpr int kMostCalls = 16;

std::string quoteGbnf(std::string_view text) {
  std::string result = "\"";
  for (char byte : text) {
    if (byte == '\n')
      result += "\\n";
    else if (byte == '"' || byte == '\\')
      (result += '\\') += byte;
    else
      result += byte;
  }
  return result + "\"";
}

std::string CallGrammarMaker::schema(const std::string &name, Json schema) {
  if (schema.is_null())
    schema = Json::object({{"type", "object"}});
  grammar.schemas.emplace_back(name, std::move(schema));
  return name;
}

CallGrammar CallGrammarMaker::make(std::span<const Tool> tools, bool several,
                                   std::string_view open,
                                   std::string_view between,
                                   std::string_view close) {
  std::string root;
  auto add = [&](std::string_view text) {
    if (!text.empty())
      root += (root.empty() ? "" : " ") + quoteGbnf(text);
  };
  add(open);
  root += root.empty() ? "call" : " call";
  if (several)
    root += " (" + quoteGbnf(between) + " call){0," +
            std::to_string(kMostCalls - 1) + "}";
  add(close);
  rule("root", root);
  std::string calls;
  for (size_t i = 0; i < tools.size(); ++i)
    calls += (i ? " | call-" : "call-") + std::to_string(i);
  rule("call", calls);
  for (size_t i = 0; i < tools.size(); ++i)
    rule("call-" + std::to_string(i), call(tools[i], i));
  return std::exchange(grammar, {});
}

CallGrammar makeJsonGrammar(const JsonCallFrame &frame,
                            std::span<const Tool> tools, bool several) {
  CallGrammarMaker maker;
  maker.call = [&](const Tool &tool, size_t number) {
    std::string front = "{\"name\": " + Json(tool.name).dump() + ", \"" +
                        frame.argumentsName + "\": ";
    std::string arguments =
        maker.schema("arguments-" + std::to_string(number), tool.parameters);
    return quoteGbnf(front) + " " + arguments + " \"}\"";
  };
  return maker.make(tools, several, frame.open, frame.between, frame.close);
}

} // namespace marimba::rt
