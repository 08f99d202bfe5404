//===- Lfm2.cpp - Calls of LFM2 -------------------------------------------===//
//
// <|tool_call_start|>[f(x=1, y='a')]<|tool_call_end|>
//
// or, where a system message asks for it, a list of JSON as other models write.
//
//===----------------------------------------------------------------------===//

#include "../Text.h"
#include "CallGrammars.h"
#include "JsonCalls.h"
#include "PythonCalls.h"
#include "SchemaTypes.h"
#include "ToolCallForms.h"

#include <algorithm>

namespace marimba::rt {

static constexpr std::string_view kBegin = "<|tool_call_start|>";
static constexpr std::string_view kEnd = "<|tool_call_end|>";

namespace {

class Lfm2Reader : public CallReader {
public:
  explicit Lfm2Reader(std::span<const Tool> tools)
      : tools(tools),
        json(makeJsonReader({.begins = {kBegin}, .end = kEnd}, tools)) {}

  std::span<const std::string_view> begins() const override {
    return {&kBegin, 1};
  }
  void start(std::string_view mark) override {
    kind = Kind::Unknown;
    looked = 0;
    json->start(mark);
  }
  Outcome read(std::string_view text, size_t &at, bool atEnd,
               CallSink &sink) override;

private:
  enum class Kind { Unknown, Json, Python, Tail };
  Outcome readPython(std::string_view text, size_t &at, bool atEnd,
                     CallSink &sink);
  Outcome readTail(std::string_view text, size_t &at, bool atEnd) const;

  std::span<const Tool> tools;
  std::unique_ptr<CallReader> json;
  Kind kind = Kind::Unknown;
  size_t looked = 0; // bytes of the list that were not all of it
};

} // namespace

/// Which of both a list begins like; nothing where that is not known yet.
static std::optional<bool> isJson(std::string_view text) {
  text = text::trimLeft(text);
  if (text.starts_with('{'))
    return true;
  if (text.empty())
    return std::nullopt;
  if (!text.starts_with('['))
    return false;
  text = text::trimLeft(text.substr(1));
  if (text.empty())
    return std::nullopt;
  return text.starts_with('{');
}

CallReader::Outcome Lfm2Reader::readTail(std::string_view text, size_t &at,
                                         bool atEnd) const {
  std::string_view rest = text.substr(at), behind = text::trimLeft(rest);
  if (behind.starts_with(kEnd)) {
    at += rest.size() - behind.size() + kEnd.size();
    return Outcome::Done;
  }
  return kEnd.starts_with(behind) && !atEnd ? Outcome::More : Outcome::Done;
}

CallReader::Outcome Lfm2Reader::readPython(std::string_view text, size_t &at,
                                           bool atEnd, CallSink &sink) {
  std::string_view rest = text.substr(at);
  // The whole list is read at once: only where it may end, or has become twice
  // as long.
  bool mayEnd = rest.find(']', looked) != rest.npos || atEnd;
  if (!mayEnd && looked > 0 && rest.size() < 2 * looked)
    return Outcome::More;
  looked = rest.size();
  std::vector<PythonCall> calls;
  size_t end = 0;
  PythonRead read = readPythonCalls(rest, end, calls);
  if (read == PythonRead::Part && !atEnd)
    return Outcome::More;
  if (read != PythonRead::Whole || calls.empty())
    return Outcome::NoCall;
  for (const PythonCall &call : calls)
    sink.whole(call.name, writeArguments(call, findTool(tools, call.name)));
  at += end;
  kind = Kind::Tail;
  return readTail(text, at, atEnd);
}

CallReader::Outcome Lfm2Reader::read(std::string_view text, size_t &at,
                                     bool atEnd, CallSink &sink) {
  if (kind == Kind::Unknown) {
    std::optional<bool> known = isJson(text.substr(at));
    if (!known)
      return atEnd ? Outcome::NoCall : Outcome::More;
    kind = *known ? Kind::Json : Kind::Python;
  }
  if (kind == Kind::Json)
    return json->read(text, at, atEnd, sink);
  if (kind == Kind::Tail)
    return readTail(text, at, atEnd);
  return readPython(text, at, atEnd, sink);
}

/// `one`, or `otherwise`, or nothing where that is empty.
static std::string orElse(const std::string &one,
                          const std::string &otherwise) {
  return otherwise.empty() ? "(" + one + ")?" : one + " | " + otherwise;
}

/// The arguments of a call, in the order of the schema; those that are not
/// required may be left out.
static std::string argumentsRule(CallGrammarMaker &maker, const Tool &tool,
                                 size_t number) {
  std::vector<Parameter> parameters = parametersOf(tool);
  // What may follow as the first arguments, and behind others.
  std::string first, behind;
  for (size_t i = parameters.size(); i-- > 0;) {
    const Parameter &parameter = parameters[i];
    std::string at = "-" + std::to_string(number) + "-" + std::to_string(i);
    std::string one = quoteGbnf(parameter.name + "=") + " " +
                      maker.schema("value" + at, parameter.schema);
    if (!behind.empty())
      one += " " + behind;
    std::string other = quoteGbnf(", ") + " " + one;
    if (!parameter.isRequired) {
      one = orElse(one, first);
      other = orElse(other, behind);
    }
    first = maker.rule("first" + at, one);
    behind = maker.rule("behind" + at, other);
  }
  return first;
}

static CallGrammar makeGrammar(std::span<const Tool> tools,
                               const CallGrammarOptions &options) {
  CallGrammarMaker maker;
  maker.call = [&](const Tool &tool, size_t number) {
    std::string arguments = argumentsRule(maker, tool, number);
    return quoteGbnf(tool.name + "(") + (arguments.empty() ? "" : " ") +
           arguments + " \")\"";
  };
  return maker.make(tools, options, std::string(kBegin) + "[", ", ",
                    "]" + std::string(kEnd));
}

const ToolCallForm kLfm2Calls = {
    .name = "lfm2",
    .marks = {kBegin, kEnd},
    .isOf =
        [](std::string_view source) {
          return source.find(kBegin) != source.npos ||
                 source.find("<|tool_list_start|>") != source.npos;
        },
    .makeReader =
        [](std::span<const Tool> tools) -> std::unique_ptr<CallReader> {
      return std::make_unique<Lfm2Reader>(tools);
    },
    .grammar = makeGrammar,
};

} // namespace marimba::rt
