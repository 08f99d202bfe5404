//===- QwenXml.cpp - Calls of Qwen3-Coder, Qwen3.5 and Nemotron 3 ---------===//
//
// <tool_call>
// <function=f>
// <parameter=x>
// 1
// </parameter>
// </function>
// </tool_call>
//
//===----------------------------------------------------------------------===//

#include "../Text.h"
#include "CallGrammars.h"
#include "CallReader.h"
#include "SchemaTypes.h"
#include "ToolCallForms.h"

#include <algorithm>
#include <optional>

namespace marimba::rt {

using Json = nlohmann::ordered_json;

static constexpr std::string_view kCall = "<tool_call>";
static constexpr std::string_view kCallEnd = "</tool_call>";
static constexpr std::string_view kFunction = "<function=";
static constexpr std::string_view kFunctionEnd = "</function>";
static constexpr std::string_view kParameter = "<parameter=";
static constexpr std::string_view kParameterEnd = "</parameter>";

namespace {

class QwenXmlReader : public CallReader {
public:
  explicit QwenXmlReader(std::span<const Tool> tools) : tools(tools) {}

  std::span<const std::string_view> begins() const override { return marks; }
  void start(std::string_view mark) override {
    place = mark == kFunction ? Place::Name : Place::Function;
    anyBegun = false;
    looked = 0;
  }
  Outcome read(std::string_view text, size_t &at, bool atEnd,
               CallSink &sink) override;

private:
  enum class Place {
    Function,  // <function=
    Name,      // NAME>
    Parameter, // <parameter=NAME> or </function>
    Value,     // up to </parameter>
    Tail       // </tool_call>, or another function
  };
  /// Whether `mark` stands at `at`, behind white space: it is passed then.
  /// Nothing where that is not known yet.
  static std::optional<bool> take(std::string_view text, size_t &at,
                                  std::string_view mark);
  /// The name up to '>'; nothing where it is not there yet.
  static std::optional<std::string> takeName(std::string_view text, size_t &at);
  /// Each goes one place on. False: more text is needed, or there is no call.
  bool readFunction(std::string_view text, size_t &at);
  bool readName(std::string_view text, size_t &at);
  bool readParameter(std::string_view text, size_t &at, CallSink &sink);
  bool readValue(std::string_view text, size_t &at);
  bool readTail(std::string_view text, size_t &at);
  void fail() { outcome = anyBegun ? Outcome::Done : Outcome::NoCall; }

  static constexpr std::string_view marks[] = {kCall, kFunction};
  std::span<const Tool> tools;
  Place place = Place::Function;
  Outcome outcome = Outcome::More;
  bool anyBegun = false;
  size_t looked = 0; // bytes of a value in which it does not end
  std::string function, parameter;
  Json arguments;
};

} // namespace

std::optional<bool> QwenXmlReader::take(std::string_view text, size_t &at,
                                        std::string_view mark) {
  std::string_view rest = text.substr(at), behind = text::trimLeft(rest);
  if (behind.starts_with(mark)) {
    at += rest.size() - behind.size() + mark.size();
    return true;
  }
  if (mark.starts_with(behind))
    return std::nullopt;
  return false;
}

std::optional<std::string> QwenXmlReader::takeName(std::string_view text,
                                                   size_t &at) {
  size_t end = text.find('>', at);
  if (end == text.npos)
    return std::nullopt;
  std::string name(text::trim(text.substr(at, end - at)));
  at = end + 1;
  return name;
}

bool QwenXmlReader::readFunction(std::string_view text, size_t &at) {
  std::optional<bool> is = take(text, at, kFunction);
  if (is.value_or(false))
    place = Place::Name;
  else if (is)
    fail();
  return is.value_or(false);
}

bool QwenXmlReader::readName(std::string_view text, size_t &at) {
  size_t next = at;
  std::optional<std::string> name = takeName(text, next);
  if ((name && name->empty()) ||
      text.substr(0, next).find('\n', at) != text.npos)
    fail();
  if (!name || outcome != Outcome::More)
    return false;
  function = *name;
  arguments = Json::object();
  place = Place::Parameter;
  at = next;
  return true;
}

bool QwenXmlReader::readParameter(std::string_view text, size_t &at,
                                  CallSink &sink) {
  size_t next = at;
  std::optional<bool> ends = take(text, next, kFunctionEnd);
  if (ends.value_or(false)) {
    sink.whole(function,
               arguments.dump(-1, ' ', false, Json::error_handler_t::replace));
    anyBegun = true;
    place = Place::Tail;
    at = next;
    return true;
  }
  std::optional<bool> is = take(text, next, kParameter);
  if (is == false && ends == false)
    fail();
  std::optional<std::string> name;
  if (is.value_or(false))
    name = takeName(text, next);
  if (!name)
    return false;
  parameter = *name;
  looked = 0;
  place = Place::Value;
  at = next;
  return true;
}

bool QwenXmlReader::readValue(std::string_view text, size_t &at) {
  std::string_view rest = text.substr(at);
  size_t end = rest.find(kParameterEnd, looked);
  if (end == rest.npos) {
    looked = rest.size() - std::min(rest.size(), kParameterEnd.size());
    return false;
  }
  std::string_view value = rest.substr(0, end);
  // One line break on both sides is of the form.
  if (value.starts_with('\n'))
    value.remove_prefix(1);
  if (value.ends_with('\n'))
    value.remove_suffix(1);
  arguments[parameter] =
      valueOfText(value, schemaOf(findTool(tools, function), parameter));
  at += end + kParameterEnd.size();
  place = Place::Parameter;
  return true;
}

bool QwenXmlReader::readTail(std::string_view text, size_t &at) {
  size_t next = at;
  std::optional<bool> ends = take(text, next, kCallEnd);
  if (ends.value_or(false)) {
    at = next;
    outcome = Outcome::Done;
    return false;
  }
  std::optional<bool> goesOn = take(text, next, kFunction);
  if (goesOn.value_or(false)) {
    place = Place::Name;
    at = next;
    return true;
  }
  if (ends == false && goesOn == false)
    outcome = Outcome::Done;
  return false;
}

CallReader::Outcome QwenXmlReader::read(std::string_view text, size_t &at,
                                        bool atEnd, CallSink &sink) {
  outcome = Outcome::More;
  bool goesOn = true;
  while (goesOn) {
    switch (place) {
    case Place::Function:
      goesOn = readFunction(text, at);
      break;
    case Place::Name:
      goesOn = readName(text, at);
      break;
    case Place::Parameter:
      goesOn = readParameter(text, at, sink);
      break;
    case Place::Value:
      goesOn = readValue(text, at);
      break;
    case Place::Tail:
      goesOn = readTail(text, at);
      break;
    }
  }
  if (outcome == Outcome::More && atEnd)
    return anyBegun ? Outcome::Done : Outcome::NoCall;
  return outcome;
}

/// The value of a parameter, and the end of its tag.
static std::string valueRule(CallGrammarMaker &maker,
                             const Parameter &parameter,
                             const std::string &name) {
  const Json &schema = parameter.schema;
  std::string end = quoteGbnf("\n" + std::string(kParameterEnd));
  if (!(allowedTypes(schema) & kTextType))
    return maker.schema(name, schema) + " " + end;
  if (!schema.is_object() || !schema.contains("enum"))
    return maker.text(name, kParameterEnd);
  std::string body;
  for (const Json &value : schema["enum"])
    body +=
        (body.empty() ? "" : " | ") +
        quoteGbnf(value.is_string() ? value.get<std::string>() : value.dump());
  return maker.rule(name, body) + " " + end;
}

static CallGrammar makeGrammar(std::span<const Tool> tools,
                               const CallGrammarOptions &options) {
  CallGrammarMaker maker;
  maker.call = [&](const Tool &tool, size_t number) {
    std::string body = quoteGbnf(std::string(kFunction) + tool.name + ">\n");
    std::vector<Parameter> parameters = parametersOf(tool);
    for (size_t i = 0; i < parameters.size(); ++i) {
      std::string name =
          "value-" + std::to_string(number) + "-" + std::to_string(i);
      std::string front = std::string(kParameter) + parameters[i].name + ">\n";
      std::string one = quoteGbnf(front) + " " +
                        valueRule(maker, parameters[i], name) + " " +
                        quoteGbnf("\n");
      body += parameters[i].isRequired ? " " + one : " (" + one + ")?";
    }
    return body + " " + quoteGbnf(kFunctionEnd);
  };
  std::string open = std::string(kCall) + "\n";
  std::string close = "\n" + std::string(kCallEnd);
  return maker.make(tools, options, open, close + "\n" + open, close);
}

const ToolCallForm kQwenXmlCalls = {
    .name = "qwen-xml",
    .marks = {kCall, kCallEnd, kFunction, kFunctionEnd, kParameter,
              kParameterEnd},
    .isOf =
        [](std::string_view source) {
          return source.find(kFunction) != source.npos &&
                 source.find(kParameter) != source.npos;
        },
    .makeReader =
        [](std::span<const Tool> tools) -> std::unique_ptr<CallReader> {
      return std::make_unique<QwenXmlReader>(tools);
    },
    .grammar = makeGrammar,
};

} // namespace marimba::rt
