//===- CharacterMethods.cpp - Methods of strings by their characters ------===//

#include "Methods.h"

#include "../tokenizer/Unicode.h"

#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

static int32_t numericType(char32_t c) {
  return u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_NUMERIC_TYPE);
}
static bool isDecimal(char32_t c) { return numericType(c) == U_NT_DECIMAL; }
static bool isDigit(char32_t c) {
  return isDecimal(c) || numericType(c) == U_NT_DIGIT;
}
static bool isNumeric(char32_t c) { return numericType(c) != U_NT_NONE; }
static bool isAlpha(char32_t c) { return u_isalpha(static_cast<UChar32>(c)); }
static bool isAlnum(char32_t c) { return isAlpha(c) || isNumeric(c); }
static bool isAscii(char32_t c) { return c < 0x80; }
bool isWordCharacter(char32_t c) { return isAlnum(c) || c == '_'; }

/// Whether a text, `empty` where there are no characters, consists of those.
template <bool (*is)(char32_t), bool empty = false>
static Value consistsOf(const Value &object, const Arguments &arguments) {
  arguments.check("isalpha, isdigit and the like", 0, {});
  const std::string &text = object.asString();
  for (size_t at = 0; at < text.size();)
    if (!is(text::nextChar(text, at)))
      return false;
  return empty || !text.empty();
}

/// Whether there are letters of one case and none of the other.
static bool hasCase(const std::string &text, bool upper) {
  bool found = false;
  for (size_t at = 0; at < text.size();) {
    auto c = static_cast<UChar32>(text::nextChar(text, at));
    bool isUpper = u_isUUppercase(c), isLower = u_isULowercase(c);
    if (u_istitle(c) || (upper ? isLower : isUpper))
      return false;
    found = found || (upper ? isUpper : isLower);
  }
  return found;
}
bool isUpper(const std::string &text) { return hasCase(text, true); }
bool isLower(const std::string &text) { return hasCase(text, false); }

template <bool (*has)(const std::string &)>
static Value cased(const Value &object, const Arguments &arguments) {
  arguments.check("isupper, islower", 0, {});
  return has(object.asString());
}

/// Without arguments, `change` of the text.
template <std::string (*change)(const std::string &)>
static Value changed(const Value &object, const Arguments &arguments) {
  arguments.check("upper, lower", 0, {});
  return change(object.asString());
}

static std::string swapCase(const std::string &text) {
  std::string out;
  for (size_t at = 0, next = 0; at < text.size(); at = next) {
    auto c = static_cast<UChar32>(text::nextChar(text, next));
    std::string one = text.substr(at, next - at);
    out += u_isUUppercase(c)   ? lower(one)
           : u_isULowercase(c) ? upper(one)
                               : one;
  }
  return out;
}

static std::string caseFold(const std::string &text) {
  std::string out;
  icu::UnicodeString::fromUTF8(text).foldCase().toUTF8String(out);
  return out;
}

static std::string titleWords(const std::string &text) {
  return capitalize(text, true);
}
static std::string capitalizeFirst(const std::string &text) {
  return capitalize(text, false);
}

std::string padText(const std::string &text, int64_t width,
                    const std::string &fill, Side padded) {
  auto size = static_cast<int64_t>(characters(text));
  int64_t missing = std::max<int64_t>(width - size, 0);
  checkLength(text.size() + static_cast<size_t>(missing));
  // As Python: of an odd number, the one goes by the width.
  int64_t left = padded == Side::Left    ? missing
                 : padded == Side::Right ? 0
                                         : missing / 2 + (missing & width & 1);
  std::string out;
  for (int64_t i = 0; i < left; ++i)
    out += fill;
  out += text;
  for (int64_t i = left; i < missing; ++i)
    out += fill;
  return out;
}

template <Side padded>
static Value pad(const Value &object, const Arguments &arguments) {
  arguments.check("ljust, rjust, center", 2, {});
  if (arguments.positional.empty())
    throw ValueError("'ljust', 'rjust' and 'center' expect a width");
  const std::string *fill = findString(arguments, 1, "");
  if (fill && characters(*fill) != 1)
    throw ValueError("'ljust', 'rjust' and 'center' expect one character");
  return padText(object.asString(), getInt(arguments, 0, "", 0),
                 fill ? *fill : " ", padded);
}

/// Zeros go behind a sign.
static Value fillZeros(const Value &object, const Arguments &arguments) {
  arguments.check("zfill", 1, {});
  std::string text = object.asString();
  int64_t width = getInt(arguments, 0, "", 0);
  bool sign = text.starts_with('-') || text.starts_with('+');
  return text.substr(0, sign) +
         padText(text.substr(sign), width - (sign ? 1 : 0), "0", Side::Left);
}

static constexpr Method methods[] = {
    {"capitalize", changed<capitalizeFirst>},
    {"casefold", changed<caseFold>},
    {"center", pad<Side::Both>},
    {"isalnum", consistsOf<isAlnum>},
    {"isalpha", consistsOf<isAlpha>},
    {"isascii", consistsOf<isAscii, true>},
    {"isdecimal", consistsOf<isDecimal>},
    {"isdigit", consistsOf<isDigit>},
    {"islower", cased<isLower>},
    {"isnumeric", consistsOf<isNumeric>},
    {"isspace", consistsOf<isPythonSpace>},
    {"isupper", cased<isUpper>},
    {"ljust", pad<Side::Right>},
    {"lower", changed<lower>},
    {"rjust", pad<Side::Left>},
    {"swapcase", changed<swapCase>},
    {"title", changed<titleWords>},
    {"upper", changed<upper>},
    {"zfill", fillZeros},
};

std::span<const Method> characterMethods() { return methods; }

} // namespace marimba::rt::jinja
