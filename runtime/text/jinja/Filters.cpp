//===- Filters.cpp - Filters of single values -----------------------------===//

#include "Builtins.h"
#include "ListFilters.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

static Value trim(const Value &subject, const Arguments &arguments) {
  arguments.check("trim", 1, {"chars"});
  const Value *set = arguments.find(0, "chars");
  std::string chars = set ? set->str() : "";
  return strip(subject.str(), set && !set->is(Kind::None) ? &chars : nullptr,
               true, true);
}

static Value length(const Value &subject, const Arguments &arguments) {
  arguments.check("length", 0, {});
  if (subject.is(Kind::String))
    return static_cast<int64_t>(characters(subject.asString()));
  return static_cast<int64_t>(iterate(subject).size());
}

static Value toJson(const Value &subject, const Arguments &arguments) {
  // Characters stay as they are in any case.
  arguments.check("tojson", 1, {"indent", "ensure_ascii"});
  const Value *indent = arguments.find(0, "indent");
  if (const Value *ascii = arguments.find(1, "ensure_ascii");
      ascii && ascii->truth())
    throw ValueError("'tojson' with ensure_ascii is not supported");
  if (indent && !indent->is(Kind::None) && !indent->is(Kind::Int))
    throw ValueError("'tojson' expects an integer as indent");
  return subject.toJson(
      indent && indent->is(Kind::Int)
          ? static_cast<int>(std::clamp<int64_t>(indent->asInt(), 0, 64))
          : -1);
}

static Value defaultTo(const Value &subject, const Arguments &arguments) {
  arguments.check("default", 2, {"default_value", "boolean"});
  const Value *otherwise = arguments.find(0, "default_value");
  const Value *boolean = arguments.find(1, "boolean");
  bool missing = subject.is(Kind::Undefined) ||
                 (boolean && boolean->truth() && !subject.truth());
  return missing ? (otherwise ? *otherwise : Value("")) : subject;
}

/// Jinja's own title: words begin after white space and - ( { [ <.
static Value title(const Value &subject, const Arguments &arguments) {
  arguments.check("title", 0, {});
  std::string text = subject.str(), out;
  constexpr std::string_view between = " \t\n\r\f\v-({[<";
  for (size_t at = 0; at < text.size();) {
    bool word = between.find(text[at]) == between.npos;
    size_t end = word ? text.find_first_of(between, at)
                      : text.find_first_not_of(between, at);
    std::string part = text.substr(at, end - at);
    out += word ? capitalize(part, false) : part;
    at = std::min(end, text.size());
  }
  return out;
}

/// Python's int() of a text, then its float(); the default where neither reads
/// it.
static Value toInt(const Value &subject, const Arguments &arguments) {
  arguments.check("int", 1, {"default"});
  const Value *given = arguments.find(0, "default");
  Value otherwise = given ? *given : Value(0);
  double number = 0;
  if (subject.is(Kind::Int) || subject.is(Kind::Bool))
    return subject.asInt();
  if (subject.is(Kind::Float)) {
    number = subject.asDouble();
  } else if (subject.is(Kind::String)) {
    std::string text = strip(subject.asString(), nullptr, true, true);
    const char *begin = text.data() + (text.starts_with('+') ? 1 : 0);
    const char *end = text.data() + text.size();
    int64_t integer = 0;
    auto whole = std::from_chars(begin, end, integer);
    if (whole.ec == std::errc() && whole.ptr == end)
      return integer;
    auto [stop, code] = std::from_chars(begin, end, number);
    if (code != std::errc() || stop != end)
      return otherwise;
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
  std::string text = strip(subject.str(), nullptr, true, true);
  double number = 0;
  auto [stop, code] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (!text.empty() && code == std::errc() && stop == text.data() + text.size())
    return number;
  return otherwise ? *otherwise : Value(0.0);
}

static Value replace(const Value &subject, const Arguments &arguments) {
  arguments.check("replace", 3, {"count"});
  if (arguments.positional.size() < 2)
    throw ValueError("'replace' expects two strings");
  const Value *count = arguments.find(2, "count");
  return replaceAll(subject.str(), arguments.positional[0].str(),
                    arguments.positional[1].str(),
                    count && count->is(Kind::Int) ? count->asInt() : -1);
}

/// The text is the format, the arguments are its values.
static Value format(const Value &subject, const Arguments &arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty())
    throw ValueError("'format' expects values in order or by name");
  return formatText(subject.str(), arguments.named.empty()
                                       ? Value::tuple(arguments.positional)
                                       : Value(arguments.named));
}

static Value indentLines(const Value &subject, const Arguments &arguments) {
  arguments.check("indent", 3, {"width", "first", "blank"});
  const Value *width = arguments.find(0, "width");
  auto isSet = [&](size_t index, std::string_view name) {
    const Value *value = arguments.find(index, name);
    return value && value->truth();
  };
  bool blank = isSet(2, "blank"), first = isSet(1, "first");
  std::string pad = width && width->is(Kind::String) ? width->asString()
                    : width && width->is(Kind::Int)
                        ? std::string(static_cast<size_t>(std::clamp<int64_t>(
                                          width->asInt(), 0, 1024)),
                                      ' ')
                        : std::string(4, ' ');
  std::string text = subject.str(), out;
  for (size_t from = 0; from <= text.size();) {
    size_t end = std::min(text.find('\n', from), text.size());
    bool padded = from == 0 ? first : blank || end > from;
    out += (from ? "\n" : "") + (padded ? pad : "") +
           text.substr(from, end - from);
    checkLength(out.size());
    from = end + 1;
  }
  return out;
}

static Value roundTo(const Value &subject, const Arguments &arguments) {
  arguments.check("round", 1, {"precision"});
  const Value *given = arguments.find(0, "precision");
  double scale = std::pow(10.0, given && given->is(Kind::Int)
                                    ? static_cast<double>(given->asInt())
                                    : 0);
  if (!subject.isNumber())
    throw ValueError("'round' expects a number");
  // Half goes to even, as in Python.
  return std::nearbyint(subject.asDouble() * scale) / scale;
}

static Value absolute(const Value &subject, const Arguments &arguments) {
  arguments.check("abs", 0, {});
  if (subject.is(Kind::Float))
    return std::abs(subject.asDouble());
  if (!subject.isNumber())
    throw ValueError("'abs' expects a number");
  return subject.asInt() < 0 ? -subject.asInt() : subject.asInt();
}

template <std::string (*change)(const std::string &)>
static Value changed(const Value &subject, const Arguments &arguments) {
  arguments.check("upper, lower", 0, {});
  return change(subject.str());
}

static constexpr NamedFilter valueFilters[] = {
    {"abs", absolute},
    {"capitalize",
     [](const Value &subject, const Arguments &) -> Value {
       return capitalize(subject.str(), false);
     }},
    {"count", length},
    {"d", defaultTo},
    {"default", defaultTo},
    {"float", toFloat},
    {"format", format},
    {"indent", indentLines},
    {"int", toInt},
    {"length", length},
    {"lower", changed<lower>},
    {"replace", replace},
    {"round", roundTo},
    // There is no escaping that it would switch off.
    {"safe",
     [](const Value &subject, const Arguments &) -> Value {
       return subject.str();
     }},
    {"string",
     [](const Value &subject, const Arguments &) -> Value {
       return subject.str();
     }},
    {"title", title},
    {"tojson", toJson},
    {"trim", trim},
    {"upper", changed<upper>},
};

Value applyFilter(const std::string &name, const Value &subject,
                  const Arguments &arguments) {
  for (const NamedFilter &filter : valueFilters)
    if (filter.name == name)
      return filter.apply(subject, arguments);
  for (const NamedFilter &filter : listFilters())
    if (filter.name == name)
      return filter.apply(subject, arguments);
  std::string supported;
  for (const NamedFilter &filter : valueFilters)
    (supported += supported.empty() ? "" : ", ") += filter.name;
  for (const NamedFilter &filter : listFilters())
    (supported += ", ") += filter.name;
  throw ValueError("the filter '" + name +
                   "' is not supported, supported: " + supported);
}

} // namespace marimba::rt::jinja
