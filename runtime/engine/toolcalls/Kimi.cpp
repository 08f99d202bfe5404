//===- Kimi.cpp - Calls of Kimi K2 ----------------------------------------===//
//
// <|tool_calls_section_begin|>
//   <|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{"x": 1}
//   <|tool_call_end|>
// <|tool_calls_section_end|>
//
// without white space. `functions.f:0` is the id of the call, too: the template
// writes a call and what it has returned with it.
//
//===----------------------------------------------------------------------===//

#include "../Text.h"
#include "CallGrammars.h"
#include "CallReader.h"
#include "JsonScan.h"
#include "ToolCallForms.h"

#include <optional>

namespace marimba::rt {

static constexpr std::string_view kSection = "<|tool_calls_section_begin|>";
static constexpr std::string_view kSectionEnd = "<|tool_calls_section_end|>";
static constexpr std::string_view kCall = "<|tool_call_begin|>";
static constexpr std::string_view kArguments = "<|tool_call_argument_begin|>";
static constexpr std::string_view kCallEnd = "<|tool_call_end|>";
/// Some leave the outer mark out.
static constexpr std::string_view kBegins[] = {kSection, kCall};
static constexpr std::string_view kFunctions = "functions.";
/// More bytes in front of the arguments are no id.
static constexpr size_t kLongestId = 512;

namespace {

class KimiReader : public CallReader {
public:
  explicit KimiReader(std::span<const Tool> tools) : tools(tools) {}

  std::span<const std::string_view> begins() const override { return kBegins; }
  void start(std::string_view mark) override {
    place = mark == kCall ? Place::Id : Place::Between;
    anyBegun = false;
  }
  Outcome read(std::string_view text, size_t &at, bool atEnd,
               CallSink &sink) override;

private:
  enum class Place {
    Between,   // calls, or the end of all
    Id,        // of a call, and the mark behind it
    Begin,     // of the arguments
    Arguments, // inside
    Tail       // behind the arguments
  };
  Outcome give(Outcome outcome) const {
    return outcome == Outcome::NoCall && anyBegun ? Outcome::Done : outcome;
  }
  /// One step; true where it has led on.
  bool step(std::string_view text, size_t &at, bool atEnd, CallSink &sink,
            Outcome &outcome);
  bool readBetween(std::string_view text, size_t &at, Outcome &outcome);
  bool readId(std::string_view text, size_t &at, Outcome &outcome);
  bool readArguments(std::string_view text, size_t &at, CallSink &sink,
                     Outcome &outcome);
  std::string nameOf(std::string_view id) const;

  std::span<const Tool> tools;
  Place place = Place::Between;
  bool anyBegun = false;
  std::string id;
  JsonScan scan;
};

} // namespace

/// Whether `text` begins with `mark`; nothing where it may yet.
static std::optional<bool> beginsWith(std::string_view text,
                                      std::string_view mark) {
  if (text.starts_with(mark))
    return true;
  if (mark.starts_with(text))
    return std::nullopt;
  return false;
}

/// The function of a call: "functions.f:0", "f:0", or "f" where that is a tool.
std::string KimiReader::nameOf(std::string_view written) const {
  std::string_view name = written;
  size_t digits = name.find_last_not_of("0123456789");
  bool isNumbered =
      digits != name.npos && digits + 1 < name.size() && name[digits] == ':';
  if (isNumbered)
    name = name.substr(0, digits);
  if (name.starts_with(kFunctions))
    name.remove_prefix(kFunctions.size());
  return isNumbered || findTool(tools, name) ? std::string(name)
                                             : std::string();
}

bool KimiReader::readBetween(std::string_view text, size_t &at,
                             Outcome &outcome) {
  std::string_view rest = text::trimLeft(text.substr(at));
  std::optional<bool> isCall = beginsWith(rest, kCall);
  std::optional<bool> isEnd = beginsWith(rest, kSectionEnd);
  if (isCall.value_or(false)) {
    at = text.size() - rest.size() + kCall.size();
    place = Place::Id;
    return true;
  }
  if (isEnd.value_or(false) && anyBegun)
    at = text.size() - rest.size() + kSectionEnd.size();
  bool mayFollow = !isCall.has_value() || !isEnd.has_value();
  outcome = mayFollow ? Outcome::More : Outcome::NoCall;
  return false;
}

bool KimiReader::readId(std::string_view text, size_t &at, Outcome &outcome) {
  std::string_view rest = text.substr(at);
  size_t end = rest.find(kArguments);
  if (end == rest.npos) {
    outcome = rest.size() < kLongestId + kArguments.size() ? Outcome::More
                                                           : Outcome::NoCall;
    return false;
  }
  id = text::trim(rest.substr(0, end));
  outcome = Outcome::NoCall;
  if (end > kLongestId || nameOf(id).empty())
    return false;
  at += end + kArguments.size();
  place = Place::Begin;
  return true;
}

bool KimiReader::readArguments(std::string_view text, size_t &at,
                               CallSink &sink, Outcome &outcome) {
  if (place == Place::Begin) {
    std::string_view rest = text::trimLeft(text.substr(at));
    at = text.size() - rest.size();
    outcome = Outcome::More;
    bool isEmpty = rest.starts_with(kCallEnd);
    if (!isEmpty && kCallEnd.starts_with(rest))
      return false;
    outcome = Outcome::NoCall;
    if (!isEmpty && rest.front() != '{')
      return false;
    sink.begin(nameOf(id), id);
    anyBegun = true;
    if (isEmpty) {
      sink.arguments("{}");
      sink.end();
    }
    scan = {};
    place = isEmpty ? Place::Tail : Place::Arguments;
    return true;
  }
  for (; at < text.size(); ++at) {
    JsonScan::Status status = scan.push(text[at]);
    outcome = Outcome::NoCall;
    if (status == JsonScan::Status::Bad)
      return false;
    std::string piece;
    appendJson(piece, text[at], scan.isInString());
    sink.arguments(piece);
    if (status == JsonScan::Status::Done) {
      ++at;
      sink.end();
      place = Place::Tail;
      return true;
    }
  }
  outcome = Outcome::More;
  return false;
}

bool KimiReader::step(std::string_view text, size_t &at, bool atEnd,
                      CallSink &sink, Outcome &outcome) {
  switch (place) {
  case Place::Between:
    return readBetween(text, at, outcome);
  case Place::Id:
    return readId(text, at, outcome);
  case Place::Begin:
  case Place::Arguments:
    return readArguments(text, at, sink, outcome);
  case Place::Tail:
    break;
  }
  std::string_view rest = text::trimLeft(text.substr(at));
  std::optional<bool> isEnd = beginsWith(rest, kCallEnd);
  if (isEnd.value_or(false)) {
    at = text.size() - rest.size() + kCallEnd.size();
    place = Place::Between;
    return true;
  }
  // Without its mark the call ends here.
  outcome = isEnd.has_value() || atEnd ? Outcome::Done : Outcome::More;
  return false;
}

CallReader::Outcome KimiReader::read(std::string_view text, size_t &at,
                                     bool atEnd, CallSink &sink) {
  Outcome outcome = Outcome::More;
  while (step(text, at, atEnd, sink, outcome)) {
  }
  if (outcome == Outcome::More && atEnd)
    outcome = Outcome::NoCall;
  return give(outcome);
}

static CallGrammar makeGrammar(std::span<const Tool> tools,
                               const CallGrammarOptions &options) {
  CallGrammarMaker maker;
  maker.call = [&](const Tool &tool, size_t number) {
    std::string arguments =
        maker.schema("arguments-" + std::to_string(number), tool.parameters);
    // Numbers go on from those of earlier answers.
    return quoteGbnf(std::string(kFunctions) + tool.name + ":") +
           " [0-9]{1,3}" + writeMarks(kArguments, options.tokens) + " " +
           arguments;
  };
  std::string open = std::string(kSection) + std::string(kCall);
  std::string between = std::string(kCallEnd) + std::string(kCall);
  std::string close = std::string(kCallEnd) + std::string(kSectionEnd);
  return maker.make(tools, options, open, between, close);
}

const ToolCallForm kKimiCalls = {
    .name = "kimi",
    .marks = {kSection, kSectionEnd, kCall, kArguments, kCallEnd},
    .isOf =
        [](std::string_view source) {
          return source.find(kSection) != source.npos;
        },
    .makeReader =
        [](std::span<const Tool> tools) -> std::unique_ptr<CallReader> {
      return std::make_unique<KimiReader>(tools);
    },
    .grammar = makeGrammar,
};

} // namespace marimba::rt
