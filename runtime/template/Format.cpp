//===- Format.cpp - Python's format % values ------------------------------===//

#include "Value.h"

#include "../tokenizer/Unicode.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

namespace {

/// One conversion, such as %-08.3f.
struct Conversion {
  bool left = false, sign = false, space = false, zeros = false,
       alternate = false;
  size_t width = 0;
  int precision = -1; // none
  char kind = 0;
};

class Formatter {
public:
  Formatter(const std::string &format, const Value &values)
      : format(format), values(values) {}

  std::string run();

private:
  Conversion readConversion();
  int64_t readNumber();
  /// The value of the next conversion.
  Value take();
  std::string convert(const Conversion &conversion, const Value &value) const;
  std::string convertInteger(const Conversion &c, const Value &value) const;
  std::string convertFloat(const Conversion &c, const Value &value) const;

  const std::string &format;
  const Value &values;
  size_t at = 0, taken = 0;
  std::string key; // of %(key)s
  bool hasKey = false;
};

} // namespace

/// A width or a precision that no text needs.
static constexpr int64_t kMost = 1000;

int64_t Formatter::readNumber() {
  if (at < format.size() && format[at] == '*') {
    ++at;
    Value value = take();
    if (!value.is(Kind::Int))
      throw ValueError("'%*' expects an integer");
    return std::clamp<int64_t>(value.asInt(), 0, kMost);
  }
  int64_t number = 0;
  for (; at < format.size() && format[at] >= '0' && format[at] <= '9'; ++at)
    number = std::min<int64_t>(number * 10 + (format[at] - '0'), kMost);
  return number;
}

Conversion Formatter::readConversion() {
  Conversion c;
  hasKey = at < format.size() && format[at] == '(';
  if (hasKey) {
    size_t end = format.find(')', at);
    if (end == format.npos)
      throw ValueError("a format has '%(' without ')'");
    key = format.substr(at + 1, end - at - 1);
    at = end + 1;
  }
  for (; at < format.size(); ++at) {
    bool *flag = format[at] == '-'   ? &c.left
                 : format[at] == '+' ? &c.sign
                 : format[at] == ' ' ? &c.space
                 : format[at] == '0' ? &c.zeros
                 : format[at] == '#' ? &c.alternate
                                     : nullptr;
    if (!flag)
      break;
    *flag = true;
  }
  c.width = static_cast<size_t>(readNumber());
  if (at < format.size() && format[at] == '.') {
    ++at;
    c.precision = static_cast<int>(readNumber());
  }
  if (at == format.size())
    throw ValueError("a format ends after '%'");
  c.kind = format[at++];
  return c;
}

Value Formatter::take() {
  if (hasKey) {
    if (!values.isMapping())
      throw ValueError("a format with names expects a dict");
    if (const Value *member = values.find(key))
      return *member;
    throw ValueError("a format names '" + key + "', which is not given");
  }
  bool several = values.is(Kind::Tuple);
  if (taken >= (several ? values.asList().size() : 1))
    throw ValueError("a format has more conversions than values");
  return several ? values.asList()[taken++] : (++taken, values);
}

std::string Formatter::convertInteger(const Conversion &c,
                                      const Value &value) const {
  bool whole = value.is(Kind::Int) || value.is(Kind::Bool);
  bool decimal = c.kind == 'd' || c.kind == 'i' || c.kind == 'u';
  if (!whole &&
      !(decimal && value.is(Kind::Float) && std::abs(value.asDouble()) < 9e18))
    throw ValueError(std::string("'%") + c.kind + "' expects a number, found " +
                     std::string(value.kindName()));
  int64_t number =
      whole ? value.asInt() : static_cast<int64_t>(value.asDouble());
  uint64_t size = number < 0 ? -static_cast<uint64_t>(number)
                             : static_cast<uint64_t>(number);
  char digits[64];
  int base = c.kind == 'o' ? 8 : decimal ? 10 : 16;
  char *end = std::to_chars(digits, digits + sizeof(digits), size, base).ptr;
  std::string text(digits, end);
  if (c.precision > static_cast<int>(text.size()))
    text.insert(0, static_cast<size_t>(c.precision) - text.size(), '0');
  if (c.alternate && base != 10)
    text.insert(0, base == 8 ? "0o" : "0x");
  if (c.kind == 'X')
    for (char &digit : text)
      digit = static_cast<char>(digit >= 'a' ? digit - 'a' + 'A' : digit);
  return (number < 0 ? "-" : "") + text;
}

std::string Formatter::convertFloat(const Conversion &c,
                                    const Value &value) const {
  if (!value.isNumber())
    throw ValueError(std::string("'%") + c.kind + "' expects a number, found " +
                     std::string(value.kindName()));
  char kind = static_cast<char>(c.kind | 0x20);
  std::chars_format form = kind == 'f'   ? std::chars_format::fixed
                           : kind == 'e' ? std::chars_format::scientific
                                         : std::chars_format::general;
  int precision = c.precision < 0 ? 6 : c.precision;
  if (kind == 'g')
    precision = std::max(precision, 1);
  std::string text(400 + kMost, 0);
  auto made = std::to_chars(text.data(), text.data() + text.size(),
                            value.asDouble(), form, precision);
  text.resize(static_cast<size_t>(made.ptr - text.data()));
  if (c.kind != kind)
    for (char &digit : text)
      digit = static_cast<char>(digit >= 'a' ? digit - 'a' + 'A' : digit);
  return text;
}

std::string Formatter::convert(const Conversion &c, const Value &value) const {
  std::string text;
  bool number = false;
  switch (c.kind) {
  case 's':
  case 'r':
  case 'a': // characters stay as they are
    text = c.kind == 's' ? value.str() : value.repr();
    if (c.precision >= 0)
      text.resize(characterAt(text, static_cast<size_t>(c.precision)));
    break;
  case 'c':
    if (value.is(Kind::Int) && value.asInt() >= 0 && value.asInt() < 0x110000)
      text::appendChar(static_cast<char32_t>(value.asInt()), text);
    else if (value.is(Kind::String) && characters(value.asString()) == 1)
      text = value.asString();
    else
      throw ValueError("'%c' expects a character");
    break;
  case 'd':
  case 'i':
  case 'u':
  case 'x':
  case 'X':
  case 'o':
    number = true;
    text = convertInteger(c, value);
    break;
  case 'f':
  case 'F':
  case 'e':
  case 'E':
  case 'g':
  case 'G':
    number = true;
    text = convertFloat(c, value);
    break;
  default:
    throw ValueError(std::string("a format has the unknown conversion '%") +
                     c.kind + "'");
  }
  bool negative = number && text.starts_with('-');
  if (number && !negative && (c.sign || c.space))
    text.insert(0, c.sign ? "+" : " ");
  size_t size = characters(text);
  if (size >= c.width)
    return text;
  if (c.left)
    return text + std::string(c.width - size, ' ');
  size_t sign = negative || (number && (c.sign || c.space)) ? 1 : 0;
  if (number && c.alternate &&
      std::string("xXo").find(c.kind) != std::string::npos)
    sign += 2;
  bool zeros = c.zeros && number;
  return text.insert(zeros ? sign : 0, c.width - size, zeros ? '0' : ' ');
}

std::string Formatter::run() {
  std::string out;
  bool named = false;
  while (at < format.size()) {
    size_t percent = std::min(format.find('%', at), format.size());
    out += format.substr(at, percent - at);
    at = percent + 1;
    if (percent == format.size())
      break;
    Conversion conversion = readConversion();
    named |= hasKey;
    out += conversion.kind == '%' ? "%" : convert(conversion, take());
    checkLength(out.size());
  }
  size_t given = values.is(Kind::Tuple) ? values.asList().size() : 1;
  if (!named && taken < given && !values.isMapping())
    throw ValueError("a format has fewer conversions than values");
  return out;
}

std::string formatText(const std::string &format, const Value &values) {
  return Formatter(format, values).run();
}

} // namespace marimba::rt::jinja
