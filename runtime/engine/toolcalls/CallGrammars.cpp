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

std::string CallGrammarMaker::text(const std::string &name,
                                   std::string_view end) {
  grammar.texts.emplace_back(name, end);
  return name;
}

std::string writeMarks(std::string_view text,
                       const std::vector<std::string> &tokens) {
  size_t at = text.npos, size = 0;
  for (const std::string &token : tokens)
    if (size_t place = text.find(token); !token.empty() && place < at) {
      at = place;
      size = token.size();
    }
  if (at == text.npos)
    return text.empty() ? "" : " " + quoteGbnf(text);
  return writeMarks(text.substr(0, at), {}) + " " +
         std::string(text.substr(at, size)) +
         writeMarks(text.substr(at + size), tokens);
}

CallGrammar CallGrammarMaker::make(std::span<const Tool> tools,
                                   const CallGrammarOptions &options,
                                   std::string_view open,
                                   std::string_view between,
                                   std::string_view close) {
  std::string root;
  if (!options.thoughtsEnd.empty())
    root = " " + text("thoughts", options.thoughtsEnd) + " \"\\n\"{0,2}";
  root += writeMarks(open, options.tokens) + " call";
  if (options.several)
    root += " (" + writeMarks(between, options.tokens).substr(1) + " call){0," +
            std::to_string(kMostCalls - 1) + "}";
  root += writeMarks(close, options.tokens);
  rule("root", root.substr(1));
  std::string calls;
  for (size_t i = 0; i < tools.size(); ++i)
    calls += (i ? " | call-" : "call-") + std::to_string(i);
  rule("call", calls);
  for (size_t i = 0; i < tools.size(); ++i)
    rule("call-" + std::to_string(i), call(tools[i], i));
  return std::exchange(grammar, {});
}

CallGrammar makeJsonGrammar(const JsonCallFrame &frame,
                            std::span<const Tool> tools,
                            const CallGrammarOptions &options) {
  CallGrammarMaker maker;
  maker.call = [&](const Tool &tool, size_t number) {
    std::string front = "{\"name\": " + Json(tool.name).dump() + ", \"" +
                        frame.argumentsName + "\": ";
    std::string arguments =
        maker.schema("arguments-" + std::to_string(number), tool.parameters);
    return quoteGbnf(front) + " " + arguments + " \"}\"";
  };
  return maker.make(tools, options, frame.open, frame.between, frame.close);
}

} // namespace marimba::rt
