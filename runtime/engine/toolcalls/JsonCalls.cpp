//===- JsonCalls.cpp - Calls as objects of JSON ---------------------------===//

#include "JsonCalls.h"

#include "../Text.h"
#include "JsonScan.h"
#include "marimba/formats/JsonText.h"

#include <algorithm>
#include <optional>

namespace marimba::rt {

using Json = nlohmann::ordered_json;

namespace {

/// One object, as it comes.
class JsonCall {
public:
  explicit JsonCall(bool needsKnownName, std::span<const Tool> tools)
      : needsKnownName(needsKnownName), tools(tools) {}

  JsonScan::Status push(char byte, CallSink &sink);
  bool hasBegun() const { return begun; }

private:
  bool isAllowed(const std::string &name) const {
    return !name.empty() && (!needsKnownName || findTool(tools, name));
  }
  void endMember();
  /// Tells of all of it, where nothing was told yet; false where it is no call.
  bool tellWhole(CallSink &sink) const;

  bool needsKnownName;
  std::span<const Tool> tools;
  JsonScan scan;
  std::string value; // of the last member
  std::string valueName;
  std::string name, arguments;
  bool hasArguments = false, begun = false, streams = false;
};

class JsonCallReader : public CallReader {
public:
  JsonCallReader(JsonCallStyle style, std::span<const Tool> tools)
      : style(std::move(style)), tools(tools) {}

  std::span<const std::string_view> begins() const override {
    return style.begins;
  }
  bool beginsBare(char first) const override {
    return style.mayBeBare && first == '{';
  }
  void start(std::string_view mark) override {
    isBare = mark.empty();
    isList = anyBegun = false;
    place = Place::Front;
  }
  Outcome read(std::string_view text, size_t &at, bool atEnd,
               CallSink &sink) override;

private:
  enum class Place {
    Front,  // a list or an object
    Item,   // an object of a list, or its end
    Object, // inside
    Comma,  // behind an object of a list
    Tail    // behind all of it
  };
  Outcome give(Outcome outcome) const {
    return outcome == Outcome::NoCall && anyBegun ? Outcome::Done : outcome;
  }
  /// The next byte that is not white space, outside of objects. False where it
  /// is not what must come there.
  bool step(char byte);
  void beginObject() {
    call.emplace(isBare, tools);
    place = Place::Object;
  }
  Outcome readTail(std::string_view text, size_t &at, bool atEnd);

  JsonCallStyle style;
  std::span<const Tool> tools;
  Place place = Place::Front;
  bool isBare = false, isList = false, anyBegun = false;
  std::optional<JsonCall> call;
};

} // namespace

const Tool *findTool(std::span<const Tool> tools, std::string_view name) {
  auto found = std::ranges::find(tools, name, &Tool::name);
  return found == tools.end() ? nullptr : &*found;
}

static std::string readString(const std::string &written) {
  nlohmann::json value = tryParseJsonText(written);
  return value.is_string() ? value.get<std::string>() : std::string();
}

static bool isArguments(const std::string &name) {
  return name == "\"arguments\"" || name == "\"parameters\"";
}

/// The object that arguments are: that, or its text in a string, or nothing.
static std::optional<std::string> readArguments(const std::string &written) {
  std::string text = written;
  if (written.starts_with('"'))
    text = readString(written);
  std::string_view trimmed = text::trim(text);
  if (trimmed.empty() || trimmed == "null")
    return "{}";
  if (!tryParseJsonText(trimmed).is_object())
    return std::nullopt;
  return std::string(trimmed);
}

void JsonCall::endMember() {
  if (valueName == "\"name\"")
    name = readString(value);
  else if (isArguments(valueName)) {
    arguments = value;
    hasArguments = true;
  } else if (valueName == "\"function\"" && name.empty()) {
    // One more level, as requests have it; or a name.
    if (value.starts_with('"'))
      name = readString(value);
    nlohmann::json inner = tryParseJsonText(value);
    if (inner.is_object() && inner.contains("name") &&
        inner["name"].is_string()) {
      Json ordered = parseJsonText<Json>(value);
      name = ordered["name"].get<std::string>();
      for (const char *key : {"arguments", "parameters"})
        if (ordered.contains(key) && !hasArguments) {
          arguments = ordered[key].dump();
          hasArguments = true;
        }
    }
  }
  value.clear();
  valueName.clear();
}

bool JsonCall::tellWhole(CallSink &sink) const {
  std::optional<std::string> object =
      hasArguments ? readArguments(arguments) : std::string("{}");
  if (!isAllowed(name) || !object)
    return false;
  sink.whole(name, *object);
  return true;
}

JsonScan::Status JsonCall::push(char byte, CallSink &sink) {
  bool wasInMember = scan.isInMember();
  JsonScan::Status status = scan.push(byte);
  if (status == JsonScan::Status::Bad)
    return status;
  if (wasInMember && !scan.isInMember()) {
    streams = false;
    endMember();
    if (!name.empty() && !isAllowed(name))
      return JsonScan::Status::Bad;
  }
  if (scan.isInMember()) {
    if (scan.beginsMember()) {
      valueName = scan.memberName();
      streams =
          !begun && byte == '{' && isArguments(valueName) && isAllowed(name);
      if (streams) {
        sink.begin(name, {});
        begun = true;
      }
    }
    appendJson(value, byte, scan.isInString());
    if (streams) {
      // Nothing else is needed of it.
      sink.arguments(value);
      value.clear();
    }
  }
  if (status == JsonScan::Status::Done) {
    if (begun) {
      sink.end();
    } else if (tellWhole(sink)) {
      begun = true;
    } else {
      return JsonScan::Status::Bad;
    }
  }
  return status;
}

bool JsonCallReader::step(char byte) {
  switch (place) {
  case Place::Front:
    if (byte == '[' && !isBare) {
      isList = true;
      place = Place::Item;
      return true;
    }
    break;
  case Place::Item:
    if (byte == ']' && anyBegun) {
      place = Place::Tail;
      return true;
    }
    break;
  case Place::Comma:
    place = byte == ',' ? Place::Item : Place::Tail;
    return byte == ',' || byte == ']';
  default:
    return false;
  }
  if (byte != '{')
    return false;
  beginObject();
  return true;
}

/// Behind the last bracket: the end mark, or another object.
CallReader::Outcome JsonCallReader::readTail(std::string_view text, size_t &at,
                                             bool atEnd) {
  if (isList && style.end.empty())
    return Outcome::Done;
  std::string_view rest = text.substr(at), behind = text::trimLeft(rest);
  if (!behind.empty() && !style.end.empty() && behind.starts_with(style.end)) {
    at += rest.size() - behind.size() + style.end.size();
    return Outcome::Done;
  }
  bool mayBeEnd = style.end.starts_with(behind);
  // Some write several one after another, or with ';' between.
  std::string_view next = behind;
  if (!isList && next.starts_with(';'))
    next = text::trimLeft(next.substr(1));
  if (!isList && next.starts_with('{')) {
    at = static_cast<size_t>(next.data() - text.data());
    place = Place::Front;
    return Outcome::More;
  }
  bool mayBeObject = !isList && next.empty();
  return (mayBeEnd || mayBeObject) && !atEnd ? Outcome::More : Outcome::Done;
}

CallReader::Outcome JsonCallReader::read(std::string_view text, size_t &at,
                                         bool atEnd, CallSink &sink) {
  while (true) {
    if (place == Place::Tail) {
      Outcome outcome = readTail(text, at, atEnd);
      if (outcome != Outcome::More || place == Place::Tail)
        return outcome;
    }
    if (at == text.size())
      return atEnd ? give(Outcome::NoCall) : Outcome::More;
    char byte = text[at];
    if (place != Place::Object) {
      if (text::kSpace.find(byte) == text::kSpace.npos && !step(byte))
        return give(Outcome::NoCall);
      if (place != Place::Object) {
        ++at;
        continue;
      }
    }
    JsonScan::Status status = call->push(byte, sink);
    anyBegun |= call->hasBegun();
    if (status == JsonScan::Status::Bad)
      return give(Outcome::NoCall);
    ++at;
    if (status == JsonScan::Status::Done)
      place = isList ? Place::Comma : Place::Tail;
  }
}

std::unique_ptr<CallReader> makeJsonReader(JsonCallStyle style,
                                           std::span<const Tool> tools) {
  return std::make_unique<JsonCallReader>(std::move(style), tools);
}

} // namespace marimba::rt
