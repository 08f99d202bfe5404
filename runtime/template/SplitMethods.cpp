//===- SplitMethods.cpp - Methods of strings that split and join ----------===//

#include "Methods.h"

#include "../tokenizer/Unicode.h"

#include <algorithm>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

static Value stripText(const Value &object, const Arguments &arguments,
                       bool left, bool right) {
  arguments.check("strip", 1, {});
  return strip(object.asString(), findString(arguments, 0, "chars"), left,
               right);
}

/// Python's split: at runs of white space where no separator is given.
static Value splitText(const Value &object, const Arguments &arguments) {
  arguments.check("split", 2, {"sep", "maxsplit"});
  const std::string &text = object.asString();
  const std::string *separator = findString(arguments, 0, "sep");
  int64_t most = getInt(arguments, 1, "maxsplit", -1);
  List parts;
  auto mayGoOn = [&] {
    return most < 0 || static_cast<int64_t>(parts.size()) < most;
  };
  if (separator) {
    if (separator->empty())
      throw ValueError("'split' with an empty separator");
    size_t from = 0;
    for (size_t at;
         mayGoOn() && (at = text.find(*separator, from)) != std::string::npos;
         from = at + separator->size())
      parts.push_back(text.substr(from, at - from));
    parts.push_back(text.substr(from));
    return parts;
  }
  std::string rest = strip(text, nullptr, true, false);
  while (!rest.empty() && mayGoOn()) {
    size_t end = 0, next = 0;
    while (end < rest.size() && !isPythonSpace(text::nextChar(rest, next)))
      end = next;
    parts.push_back(rest.substr(0, end));
    rest = strip(rest.substr(end), nullptr, true, false);
  }
  if (!rest.empty())
    parts.push_back(rest);
  return parts;
}

/// The words of `text` from the right, the last `most` of them, and then the
/// rest.
static List splitWordsFromRight(const std::string &text, int64_t most) {
  List parts;
  std::string rest = strip(text, nullptr, false, true);
  while (!rest.empty() &&
         (most < 0 || static_cast<int64_t>(parts.size()) < most)) {
    size_t begin = rest.size();
    for (size_t at = begin; at > 0; begin = at)
      if (isPythonSpace(text::previousChar(rest, at)))
        break;
    parts.push_back(rest.substr(begin));
    rest = strip(rest.substr(0, begin), nullptr, false, true);
  }
  if (!rest.empty())
    parts.push_back(rest);
  return parts;
}

static Value rsplitText(const Value &object, const Arguments &arguments) {
  arguments.check("rsplit", 2, {"sep", "maxsplit"});
  std::string rest = object.asString();
  const std::string *separator = findString(arguments, 0, "sep");
  int64_t most = getInt(arguments, 1, "maxsplit", -1);
  List parts;
  if (!separator) {
    parts = splitWordsFromRight(rest, most);
  } else {
    if (separator->empty())
      throw ValueError("'rsplit' with an empty separator");
    for (size_t at; (most < 0 || static_cast<int64_t>(parts.size()) < most) &&
                    (at = rest.rfind(*separator)) != std::string::npos;
         rest.resize(at))
      parts.push_back(rest.substr(at + separator->size()));
    parts.push_back(rest);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

static bool endsLine(char32_t c) {
  return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 ||
         c == 0x2028 || c == 0x2029;
}

static Value splitLines(const Value &object, const Arguments &arguments) {
  arguments.check("splitlines", 1, {"keepends"});
  const Value *keep = arguments.find(0, "keepends");
  List lines;
  const std::string &text = object.asString();
  for (size_t from = 0, next = 0; from < text.size(); from = next) {
    size_t end = text.size();
    while (next < text.size()) {
      size_t at = next;
      char32_t c = text::nextChar(text, next);
      if (!endsLine(c))
        continue;
      end = at;
      if (c == '\r' && next < text.size() && text[next] == '\n')
        ++next;
      break;
    }
    if (keep && keep->truth())
      end = next;
    lines.push_back(text.substr(from, end - from));
  }
  return lines;
}

/// What is in front of a separator, it, and what is behind it.
template <bool last>
static Value partition(const Value &object, const Arguments &arguments) {
  arguments.check("partition", 1, {});
  const std::string &text = object.asString();
  const std::string &separator = getString(arguments, 0, "");
  if (separator.empty())
    throw ValueError("'partition' with an empty separator");
  size_t at = last ? text.rfind(separator) : text.find(separator);
  if (at == text.npos)
    return Value::tuple(last ? List{"", "", text} : List{text, "", ""});
  return Value::tuple(
      {text.substr(0, at), separator, text.substr(at + separator.size())});
}

/// Without the given string at the start, or at the end.
template <bool start>
static Value remove(const Value &object, const Arguments &arguments) {
  arguments.check(start ? "removeprefix" : "removesuffix", 1, {});
  const std::string &text = object.asString();
  const std::string &part = getString(arguments, 0, "");
  if (start)
    return text.starts_with(part) ? text.substr(part.size()) : text;
  return text.ends_with(part) ? text.substr(0, text.size() - part.size())
                              : text;
}

static Value joinItems(const Value &object, const Arguments &arguments) {
  arguments.check("join", 1, {});
  std::string text;
  bool first = true;
  for (const Value &item : iterate(
           arguments.positional.empty() ? Value() : arguments.positional[0])) {
    if (!item.is(Kind::String))
      throw ValueError("'join' expects strings, found " +
                       std::string(item.kindName()));
    text += (first ? "" : object.asString()) + item.asString();
    checkLength(text.size());
    first = false;
  }
  return text;
}

static constexpr Method methods[] = {
    {"join", joinItems},
    {"lstrip", [](const Value &o,
                  const Arguments &a) { return stripText(o, a, true, false); }},
    {"partition", partition<false>},
    {"removeprefix", remove<true>},
    {"removesuffix", remove<false>},
    {"rpartition", partition<true>},
    {"rsplit", rsplitText},
    {"rstrip", [](const Value &o,
                  const Arguments &a) { return stripText(o, a, false, true); }},
    {"split", splitText},
    {"splitlines", splitLines},
    {"strip", [](const Value &o,
                 const Arguments &a) { return stripText(o, a, true, true); }},
};

std::span<const Method> splitMethods() { return methods; }

} // namespace marimba::rt::jinja
