//===- SearchMethods.cpp - Methods of strings that look for parts ---------===//

#include "Methods.h"

#include <algorithm>
#include <charconv>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

namespace {
/// The part of a text that the arguments `start` and `end` leave.
struct Range {
  std::string_view text;
  int64_t start; // in characters
  bool valid;    // `start` is not behind the end
};
} // namespace

static Range getRange(const std::string &text, const Arguments &arguments,
                      size_t index) {
  if (arguments.positional.size() <= index)
    return {text, 0, true};
  auto size = static_cast<int64_t>(characters(text));
  auto place = [&](size_t at, int64_t otherwise) {
    const Value *value = arguments.find(at, "");
    int64_t given = !value || value->is(Kind::None)
                        ? otherwise
                        : getInt(arguments, at, "", otherwise);
    return given < 0 ? std::max<int64_t>(given + size, 0) : given;
  };
  int64_t start = place(index, 0), end = std::min(place(index + 1, size), size);
  if (start > end)
    return {{}, start, false};
  size_t from = characterAt(text, static_cast<size_t>(start));
  size_t to = characterAt(text, static_cast<size_t>(end));
  return {std::string_view(text).substr(from, to - from), start, true};
}

/// Whether one of the given strings stands at the start or at the end.
template <bool start>
static Value standsAt(const Value &object, const Arguments &arguments) {
  arguments.check(start ? "startswith" : "endswith", 3, {});
  Range range = getRange(object.asString(), arguments, 1);
  auto matches = [&](const Value &part) {
    if (!part.is(Kind::String))
      throw ValueError("'startswith' and 'endswith' expect a string, found " +
                       std::string(part.kindName()));
    return range.valid && (start ? range.text.starts_with(part.asString())
                                 : range.text.ends_with(part.asString()));
  };
  const Value *given = arguments.find(0, "");
  if (given && given->is(Kind::Tuple))
    return std::any_of(given->asList().begin(), given->asList().end(), matches);
  return matches(given ? *given : Value());
}

/// The place of a part; -1, or an error where it is `needed`, without one.
template <bool last, bool needed>
static Value findText(const Value &object, const Arguments &arguments) {
  arguments.check(last ? "rfind" : "find", 3, {});
  const std::string &part = getString(arguments, 0, "");
  Range range = getRange(object.asString(), arguments, 1);
  size_t at = !range.valid ? std::string::npos
              : last       ? range.text.rfind(part)
                           : range.text.find(part);
  if (at != std::string::npos)
    return range.start +
           static_cast<int64_t>(characters(range.text.substr(0, at)));
  if (needed)
    throw ValueError("'index': the string has no such part");
  return -1;
}

static Value replaceText(const Value &object, const Arguments &arguments) {
  arguments.check("replace", 3, {"count"});
  return replaceAll(object.asString(), getString(arguments, 0, "old"),
                    getString(arguments, 1, "new"),
                    getInt(arguments, 2, "count", -1));
}

static Value countText(const Value &object, const Arguments &arguments) {
  arguments.check("count", 3, {});
  const std::string &part = getString(arguments, 0, "");
  Range range = getRange(object.asString(), arguments, 1);
  if (!range.valid)
    return 0;
  if (part.empty())
    return static_cast<int64_t>(characters(range.text) + 1);
  int64_t count = 0;
  for (size_t at = range.text.find(part); at != std::string::npos;
       at = range.text.find(part, at + part.size()))
    ++count;
  return count;
}

/// The value that a field such as {}, {0} or {name} of a format asks for.
static std::string formatField(std::string_view field,
                               const Arguments &arguments, size_t &next) {
  std::string_view name = field.substr(0, field.find_first_of("!:"));
  std::string_view change = field.substr(name.size());
  if (change != "" && change != ":" && change != "!s" && change != "!r")
    throw ValueError("'format' with '" + std::string(change) +
                     "' is not supported");
  if (name.find_first_of(".[{") != name.npos)
    throw ValueError("'format' with the field '" + std::string(name) +
                     "' is not supported");
  const Value *value = nullptr;
  bool number = std::all_of(name.begin(), name.end(),
                            [](char c) { return c >= '0' && c <= '9'; });
  if (number && name.size() < 9) {
    size_t index = 0;
    if (name.empty())
      index = next++;
    else
      std::from_chars(name.data(), name.data() + name.size(), index);
    if (index < arguments.positional.size())
      value = &arguments.positional[index];
  } else {
    for (const auto &[key, member] : arguments.named)
      if (key == name)
        value = &member;
  }
  if (!value)
    throw ValueError("'format' has no value for '{" + std::string(name) + "}'");
  return change == "!r" ? value->repr() : value->str();
}

static Value format(const Value &object, const Arguments &arguments) {
  std::string_view rest = object.asString();
  std::string out;
  size_t next = 0;
  while (!rest.empty()) {
    size_t at = std::min(rest.find_first_of("{}"), rest.size());
    out += rest.substr(0, at);
    rest.remove_prefix(at);
    checkLength(out.size());
    if (rest.empty())
      break;
    if (rest.starts_with("{{") || rest.starts_with("}}")) {
      out += rest[0];
      rest.remove_prefix(2);
      continue;
    }
    size_t end = rest.find('}');
    if (rest[0] == '}' || end == rest.npos)
      throw ValueError("a format has a single '" + std::string(1, rest[0]) +
                       "'");
    out += formatField(rest.substr(1, end - 1), arguments, next);
    rest.remove_prefix(end + 1);
  }
  return out;
}

static constexpr Method methods[] = {
    {"count", countText},
    {"endswith", standsAt<false>},
    {"find", findText<false, false>},
    {"format", format},
    {"index", findText<false, true>},
    {"replace", replaceText},
    {"rfind", findText<true, false>},
    {"rindex", findText<true, true>},
    {"startswith", standsAt<true>},
};

std::span<const Method> searchMethods() { return methods; }

} // namespace marimba::rt::jinja
