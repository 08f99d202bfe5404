//===- Llama3.cpp - Calls of Llama 3 --------------------------------------===//
//
// {"name": "f", "parameters": {"x": 1}}
//
// That is all of an answer, with <|python_tag|> in front or without. Tools that
// Llama 3 knows by itself (brave_search, wolfram_alpha) it calls as
//
// <|python_tag|>f.call(x="a")
//
// and others at times, too.
//
//===----------------------------------------------------------------------===//

#include "../Text.h"
#include "JsonCalls.h"
#include "PythonCalls.h"
#include "SchemaTypes.h"
#include "ToolCallForms.h"

namespace marimba::rt {

static constexpr std::string_view kTag = "<|python_tag|>";
static constexpr std::string_view kCall = ".call";

namespace {

class Llama3Reader : public CallReader {
public:
  explicit Llama3Reader(std::span<const Tool> tools)
      : tools(tools),
        json(makeJsonReader({.begins = {kTag}, .mayBeBare = true}, tools)) {}

  std::span<const std::string_view> begins() const override {
    return {&kTag, 1};
  }
  bool beginsBare(char first) const override { return json->beginsBare(first); }
  void start(std::string_view mark) override {
    kind = mark.empty() ? Kind::Json : Kind::Unknown;
    looked = 0;
    json->start(mark);
  }
  Outcome read(std::string_view text, size_t &at, bool atEnd,
               CallSink &sink) override;

private:
  enum class Kind { Unknown, Json, Python };
  Outcome readPython(std::string_view text, size_t &at, bool atEnd,
                     CallSink &sink);

  std::span<const Tool> tools;
  std::unique_ptr<CallReader> json;
  Kind kind = Kind::Unknown;
  size_t looked = 0; // bytes of the call that were not all of it
};

} // namespace

CallReader::Outcome Llama3Reader::readPython(std::string_view text, size_t &at,
                                             bool atEnd, CallSink &sink) {
  std::string_view rest = text.substr(at);
  // The whole call is read at once: only where it may end, or has become twice
  // as long.
  bool mayEnd = rest.find(')', looked) != rest.npos || atEnd;
  if (!mayEnd && looked > 0 && rest.size() < 2 * looked)
    return Outcome::More;
  looked = rest.size();
  PythonCall call;
  size_t end = 0;
  PythonRead read = readPythonCall(rest, end, call);
  if (read == PythonRead::Part && !atEnd)
    return Outcome::More;
  std::string_view name = call.name;
  if (name.ends_with(kCall))
    name.remove_suffix(kCall.size());
  // Code of Python is an answer, too.
  const Tool *tool = findTool(tools, name);
  if (read != PythonRead::Whole || !tool)
    return Outcome::NoCall;
  sink.whole(tool->name, writeArguments(call, tool));
  at += end;
  return Outcome::Done;
}

CallReader::Outcome Llama3Reader::read(std::string_view text, size_t &at,
                                       bool atEnd, CallSink &sink) {
  if (kind == Kind::Unknown) {
    std::string_view begin = text::trimLeft(text.substr(at));
    if (begin.empty())
      return atEnd ? Outcome::NoCall : Outcome::More;
    bool isJson = begin.front() == '{' || begin.front() == '[';
    kind = isJson ? Kind::Json : Kind::Python;
  }
  return kind == Kind::Json ? json->read(text, at, atEnd, sink)
                            : readPython(text, at, atEnd, sink);
}

const ToolCallForm kLlama3Calls = {
    .name = "llama3",
    .marks = {kTag},
    .isOf =
        [](std::string_view source) {
          auto has = [&](std::string_view text) {
            return source.find(text) != source.npos;
          };
          return has(kTag) ||
                 (has("<|start_header_id|>") && has("\"parameters\""));
        },
    .makeReader =
        [](std::span<const Tool> tools) -> std::unique_ptr<CallReader> {
      return std::make_unique<Llama3Reader>(tools);
    },
    .grammar =
        [](std::span<const Tool> tools, const CallGrammarOptions &options) {
          return makeJsonGrammar({.open = "",
                                  .between = "; ",
                                  .close = "",
                                  .argumentsName = "parameters"},
                                 tools, options);
        },
};

} // namespace marimba::rt
