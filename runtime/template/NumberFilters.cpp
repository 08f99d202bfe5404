//===- NumberFilters.cpp - Filters that make numbers ----------------------===//

#include "Filters.h"

#include "../tokenizer/Unicode.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

/// A number as Python reads it, as std::from_chars does: without white space
/// around it, digits of any script, `_` between two of them and `+` in front;
/// `letters`: those are digits, too.
static std::optional<std::string> plainNumber(const std::string &given,
                                              bool letters = false) {
  std::string text = strip(given, nullptr, true, true), out;
  bool digit = false, underscore = false;
  for (size_t at = 0; at < text.size();) {
    char32_t c = text::nextChar(text, at);
    int32_t value = c < 0x80 ? (c >= '0' && c <= '9' ? int32_t(c - '0') : -1)
                             : u_charDigitValue(static_cast<UChar32>(c));
    bool letter = letters && c < 0x80 && std::isalpha(static_cast<int>(c));
    if ((c == '_' && !digit) || (underscore && value < 0 && !letter) ||
        (c >= 0x80 && value < 0))
      return std::nullopt;
    underscore = c == '_';
    digit = value >= 0 || letter;
    if (value >= 0)
      out += static_cast<char>('0' + value);
    else if (c != '_')
      out += static_cast<char>(c);
  }
  if (underscore)
    return std::nullopt;
  if (out.starts_with('+'))
    out.erase(0, out.starts_with("+-") ? 0 : 1);
  return out.empty() ? std::nullopt : std::optional(out);
}

static std::optional<int64_t> readInt(std::string text, int64_t base) {
  bool negative = text.starts_with('-');
  size_t begin = negative ? 1 : 0;
  char mark = text.size() > begin + 2 && text[begin] == '0'
                  ? static_cast<char>(text[begin + 1] | 0x20)
                  : ' ';
  int64_t marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  if (marked && (base == 0 || base == marked)) {
    text.erase(begin, 2);
    base = marked;
  }
  base = base == 0 ? 10 : base;
  if (base < 2 || base > 36)
    throw ValueError("'int' expects a base from 2 to 36, or 0");
  int64_t number = 0;
  const char *end = text.data() + text.size();
  auto [stop, code] =
      std::from_chars(text.data(), end, number, static_cast<int>(base));
  if (code == std::errc() && stop == end)
    return number;
  return std::nullopt;
}

static std::optional<double> readFloat(const std::string &text) {
  double number = 0;
  const char *end = text.data() + text.size();
  auto [stop, code] = std::from_chars(text.data(), end, number);
  if (stop != end || text.ends_with(')'))
    return std::nullopt;
  if (code == std::errc::result_out_of_range) {
    double huge = text.find("e-") == text.npos && text.find("E-") == text.npos
                      ? std::numeric_limits<double>::infinity()
                      : 0;
    return text.starts_with('-') ? -huge : huge;
  }
  return code == std::errc() ? std::optional(number) : std::nullopt;
}

/// Python's int() of a text, then its float(); the default where neither reads
/// it.
static Value toInt(const Value &subject, const Arguments &arguments) {
  arguments.check("int", 2, {"default", "base"});
  const Value *given = arguments.find(0, "default");
  const Value *base = arguments.find(1, "base");
  Value otherwise = given ? *given : Value(0);
  double number = 0;
  if (subject.is(Kind::Int) || subject.is(Kind::Bool))
    return subject.asInt();
  if (subject.is(Kind::Float)) {
    number = subject.asDouble();
  } else if (subject.is(Kind::String)) {
    int64_t radix = base && base->is(Kind::Int) ? base->asInt() : 10;
    std::optional<std::string> text =
        plainNumber(subject.asString(), /*letters=*/radix != 10);
    if (std::optional<int64_t> integer =
            text ? readInt(*text, radix) : std::nullopt)
      return *integer;
    text = plainNumber(subject.asString());
    std::optional<double> read = text ? readFloat(*text) : std::nullopt;
    if (!read)
      return otherwise;
    number = *read;
  } else {
    return otherwise;
  }
  if (!(std::abs(number) < 9e18))
    return otherwise;
  return static_cast<int64_t>(number);
}

static Value toFloat(const Value &subject, const Arguments &arguments) {
  arguments.check("float", 1, {"default"});
  const Value *otherwise = arguments.find(0, "default");
  if (subject.isNumber())
    return subject.asDouble();
  if (subject.is(Kind::String))
    if (std::optional<std::string> text = plainNumber(subject.asString()))
      if (std::optional<double> number = readFloat(*text))
        return *number;
  return otherwise ? *otherwise : Value(0.0);
}

/// An integer to a multiple of a power of ten; half goes to even.
static int64_t roundInt(int64_t value, int64_t precision) {
  if (precision >= 0)
    return value;
  if (precision < -18)
    return 0;
  int64_t scale = 1;
  for (; precision < 0; ++precision)
    scale *= 10;
  int64_t rest = value % scale, quotient = value / scale;
  int64_t half = std::abs(rest) - scale / 2;
  if (half > 0 || (half == 0 && quotient % 2 != 0))
    quotient += value < 0 ? -1 : 1;
  int64_t out = 0;
  if (__builtin_mul_overflow(quotient, scale, &out))
    throw ValueError("'round' is out of range");
  return out;
}

/// Python's round(): of the exact value, half to even.
static double roundFloat(double value, int64_t precision) {
  if (!std::isfinite(value) || precision > 323)
    return value;
  if (precision < 0) {
    double scale = std::pow(10.0, static_cast<double>(-precision));
    return std::isfinite(scale) ? std::nearbyint(value / scale) * scale
                                : std::copysign(0.0, value);
  }
  char digits[1024];
  auto [end, code] =
      std::to_chars(digits, digits + sizeof(digits), value,
                    std::chars_format::fixed, static_cast<int>(precision));
  double rounded = value;
  std::from_chars(digits, end, rounded);
  return rounded;
}

static Value roundTo(const Value &subject, const Arguments &arguments) {
  arguments.check("round", 2, {"precision", "method"});
  const Value *given = arguments.find(0, "precision");
  const Value *method = arguments.find(1, "method");
  int64_t precision = given && given->is(Kind::Int) ? given->asInt() : 0;
  if (!subject.isNumber())
    throw ValueError("'round' expects a number");
  std::string how = method ? method->str() : "common";
  if (how == "common")
    return subject.is(Kind::Float)
               ? Value(roundFloat(subject.asDouble(), precision))
               : Value(roundInt(subject.asInt(), precision));
  if (how != "ceil" && how != "floor")
    throw ValueError("'round' expects common, ceil or floor, found '" + how +
                     "'");
  double scale = std::pow(10.0, static_cast<double>(precision));
  double scaled = subject.asDouble() * scale;
  return (how == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale;
}

static Value absolute(const Value &subject, const Arguments &arguments) {
  arguments.check("abs", 0, {});
  if (subject.is(Kind::Float))
    return std::abs(subject.asDouble());
  if (!subject.isNumber())
    throw ValueError("'abs' expects a number");
  return subject.asInt() < 0 ? -subject.asInt() : subject.asInt();
}

static constexpr NamedFilter filters[] = {
    {"abs", absolute},
    {"float", toFloat},
    {"int", toInt},
    {"round", roundTo},
};

std::span<const NamedFilter> numberFilters() { return filters; }

} // namespace marimba::rt::jinja
