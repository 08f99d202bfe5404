//===- JsonScan.cpp - An object of JSON, byte by byte ---------------------===//

#include "JsonScan.h"

#include "marimba/formats/JsonGuard.h"
#include "marimba/formats/JsonText.h"

#include <string_view>

namespace marimba::rt {

static bool isSpace(char byte) {
  return std::string_view(" \t\r\n").find(byte) != std::string_view::npos;
}

static bool isHex(char byte) {
  return std::string_view("0123456789abcdefABCDEF").find(byte) !=
         std::string_view::npos;
}

/// Whether `byte` may be of a number, true, false or null.
static bool isOfLiteral(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
         std::string_view("+-.E").find(byte) != std::string_view::npos;
}

/// Whether a value may begin so.
static bool mayBeLiteral(std::string_view text) {
  for (std::string_view word : {"true", "false", "null"})
    if (word.starts_with(text))
      return true;
  return text[0] == '-' || (text[0] >= '0' && text[0] <= '9');
}

bool JsonScan::finishLiteral() const {
  return !tryParseJsonText(literal).is_discarded();
}

JsonScan::Status JsonScan::close(char byte) {
  if (open.empty() || open.back() != (byte == '}' ? '{' : '['))
    return Status::Bad;
  open.pop_back();
  place = Place::Behind;
  return open.empty() ? Status::Done : Status::More;
}

JsonScan::Status JsonScan::beginValue(char byte) {
  if (byte == '"') {
    place = Place::String;
    isName = false;
  } else if (byte == '{' || byte == '[') {
    if (open.size() >= kDeepestJson)
      return Status::Bad;
    open += byte;
    place = byte == '{' ? Place::FirstName : Place::FirstItem;
  } else if (mayBeLiteral({&byte, 1})) {
    literal = byte;
    place = Place::Literal;
  } else {
    return Status::Bad;
  }
  return Status::More;
}

JsonScan::Status JsonScan::behindValue(char byte) {
  if (byte == '}' || byte == ']')
    return close(byte);
  if (byte != ',')
    return Status::Bad;
  place = open.back() == '{' ? Place::Name : Place::Value;
  return Status::More;
}

JsonScan::Status JsonScan::step(char byte) {
  bool skips = place != Place::String && place != Place::Escape &&
               place != Place::Hex && place != Place::Literal &&
               place != Place::Begin;
  if (skips && isSpace(byte))
    return Status::More;
  switch (place) {
  case Place::Begin:
    open = "{";
    place = Place::FirstName;
    return byte == '{' ? Status::More : Status::Bad;
  case Place::FirstName:
    if (byte == '}')
      return close(byte);
    [[fallthrough]];
  case Place::Name:
    place = Place::String;
    isName = true;
    if (open.size() == 1)
      name.clear();
    return byte == '"' ? Status::More : Status::Bad;
  case Place::Colon:
    place = Place::Value;
    return byte == ':' ? Status::More : Status::Bad;
  case Place::FirstItem:
    if (byte == ']')
      return close(byte);
    [[fallthrough]];
  case Place::Value:
    return beginValue(byte);
  case Place::Behind:
    return behindValue(byte);
  case Place::String:
    if (byte == '\\')
      place = Place::Escape;
    else if (byte == '"')
      place = isName ? Place::Colon : Place::Behind;
    return Status::More;
  case Place::Escape:
    place = byte == 'u' ? Place::Hex : Place::String;
    hexLeft = 4;
    return std::string_view("\"\\/bfnrtu").find(byte) != std::string_view::npos
               ? Status::More
               : Status::Bad;
  case Place::Hex:
    if (--hexLeft == 0)
      place = Place::String;
    return isHex(byte) ? Status::More : Status::Bad;
  case Place::Literal:
    if (isOfLiteral(byte)) {
      literal += byte;
      // No value has so many digits.
      return literal.size() < 400 && mayBeLiteral(literal) ? Status::More
                                                           : Status::Bad;
    }
    if (!finishLiteral())
      return Status::Bad;
    place = Place::Behind;
    return isSpace(byte) ? Status::More : behindValue(byte);
  }
  return Status::Bad;
}

JsonScan::Status JsonScan::push(char byte) {
  auto isString = [&] {
    return place == Place::String || place == Place::Escape ||
           place == Place::Hex;
  };
  bool wasString = isString(), wasName = wasString && isName;
  bool wasLiteral = place == Place::Literal;
  bool wasValue = place == Place::Value;
  size_t depth = open.size();
  Status status = step(byte);
  bool ofName = (wasName || (isString() && isName)) && depth == 1;
  if (ofName)
    name += byte;
  // Of a member: all that is deeper, and its own strings and literals.
  bool deep = depth > 1 || open.size() > 1;
  bool shallow = (isString() || wasString) && !ofName;
  bool ofLiteral = place == Place::Literal || (wasLiteral && isOfLiteral(byte));
  inMember = status != Status::Bad && (deep || shallow || ofLiteral);
  memberBegins = inMember && wasValue && depth == 1 && !isSpace(byte);
  inString = wasString || isString();
  return status;
}

void appendJson(std::string &text, char byte, bool inString) {
  if (inString && static_cast<unsigned char>(byte) < 0x20) {
    std::string quoted = nlohmann::json(std::string(1, byte)).dump();
    text += quoted.substr(1, quoted.size() - 2);
  } else {
    text += byte;
  }
}

} // namespace marimba::rt
