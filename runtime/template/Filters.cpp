//===- Filters.cpp - Filters of single values -----------------------------===//

#include "Filters.h"
#include "Builtins.h"

#include <algorithm>
#include <array>

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

/// As transformers replaces Jinja's own: json.dumps without escapes for HTML.
static Value toJson(const Value &subject, const Arguments &arguments) {
  arguments.check("tojson", 4,
                  {"ensure_ascii", "indent", "separators", "sort_keys"});
  auto given = [&](size_t index, std::string_view name) {
    const Value *value = arguments.find(index, name);
    return value && !value->is(Kind::None) ? value : nullptr;
  };
  JsonStyle style;
  const Value *ascii = given(0, "ensure_ascii"), *indent = given(1, "indent");
  const Value *separators = given(2, "separators");
  const Value *sorted = given(3, "sort_keys");
  style.ascii = ascii && ascii->truth();
  style.sorted = sorted && sorted->truth();
  if (indent) {
    if (indent->is(Kind::String))
      style.indent = indent->asString();
    else if (indent->is(Kind::Int) || indent->is(Kind::Bool))
      style.indent = std::string(
          static_cast<size_t>(std::clamp<int64_t>(indent->asInt(), 0, 64)),
          ' ');
    else
      throw ValueError("'tojson' expects an integer or a string as indent");
    style.comma = ",";
  }
  if (separators) {
    List parts = iterate(*separators);
    if (parts.size() != 2 || !parts[0].is(Kind::String) ||
        !parts[1].is(Kind::String))
      throw ValueError("'tojson' expects two strings as separators");
    style.comma = parts[0].asString();
    style.colon = parts[1].asString();
  }
  return subject.toJson(style);
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

template <std::string (*change)(const std::string &)>
static Value changed(const Value &subject, const Arguments &arguments) {
  arguments.check("upper, lower", 0, {});
  return change(subject.str());
}

static constexpr NamedFilter valueFilters[] = {
    {"capitalize",
     [](const Value &subject, const Arguments &) -> Value {
       return capitalize(subject.str(), false);
     }},
    {"count", length},
    {"d", defaultTo},
    {"default", defaultTo},
    {"format", format},
    {"indent", indentLines},
    {"length", length},
    {"lower", changed<lower>},
    {"replace", replace},
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

/// All filters, by what they are of.
static std::array<std::span<const NamedFilter>, 5> allFilters() {
  return {std::span<const NamedFilter>(valueFilters), numberFilters(),
          textFilters(), listFilters(), orderFilters()};
}

bool hasFilter(const std::string &name) {
  for (std::span<const NamedFilter> filters : allFilters())
    for (const NamedFilter &filter : filters)
      if (filter.name == name)
        return true;
  return false;
}

Value applyFilter(const std::string &name, const Value &subject,
                  const Arguments &arguments) {
  std::vector<std::string_view> names;
  for (std::span<const NamedFilter> filters : allFilters())
    for (const NamedFilter &filter : filters) {
      if (filter.name == name)
        return filter.apply(subject, arguments);
      names.push_back(filter.name);
    }
  std::sort(names.begin(), names.end());
  std::string supported;
  for (std::string_view one : names)
    (supported += supported.empty() ? "" : ", ") += one;
  throw ValueError("the filter '" + name +
                   "' is not supported, supported: " + supported);
}

} // namespace marimba::rt::jinja
