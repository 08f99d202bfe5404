//===- Methods.cpp - Methods of strings, lists and dictionaries -----------===//

#include "Builtins.h"

#include "../Unicode.h"

#include <algorithm>
#include <cctype>
#include <iterator>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

namespace {
/// One method: its name and what runs it.
struct Method {
  std::string_view name;
  Value (*call)(const Value &object, const Arguments &arguments);
};
} // namespace

/// The argument at `index`, a string; null where it was not given or is none.
static const std::string *findString(const Arguments &arguments, size_t index,
                                     std::string_view name) {
  const Value *value = arguments.find(index, name);
  if (!value || value->is(Kind::None))
    return nullptr;
  if (!value->is(Kind::String))
    throw ValueError("expected a string as argument, found " +
                     std::string(value->kindName()));
  return &value->asString();
}

static const std::string &getString(const Arguments &arguments, size_t index,
                                    std::string_view name) {
  if (const std::string *text = findString(arguments, index, name))
    return *text;
  throw ValueError("expected a string as argument " +
                   std::to_string(index + 1));
}

static int64_t getInt(const Arguments &arguments, size_t index,
                      std::string_view name, int64_t otherwise) {
  const Value *value = arguments.find(index, name);
  if (!value)
    return otherwise;
  if (!value->is(Kind::Int))
    throw ValueError("expected an integer as argument, found " +
                     std::string(value->kindName()));
  return value->asInt();
}

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
    while (end < rest.size() && !text::isSpace(text::nextChar(rest, next)))
      end = next;
    parts.push_back(rest.substr(0, end));
    rest = strip(rest.substr(end), nullptr, true, false);
  }
  if (!rest.empty())
    parts.push_back(rest);
  return parts;
}

/// From the right; a separator is needed.
static Value rsplitText(const Value &object, const Arguments &arguments) {
  arguments.check("rsplit", 2, {"sep", "maxsplit"});
  std::string rest = object.asString();
  const std::string &separator = getString(arguments, 0, "sep");
  int64_t most = getInt(arguments, 1, "maxsplit", -1);
  if (separator.empty())
    throw ValueError("'rsplit' with an empty separator");
  List parts;
  for (size_t at; (most < 0 || static_cast<int64_t>(parts.size()) < most) &&
                  (at = rest.rfind(separator)) != std::string::npos;
       rest.resize(at))
    parts.push_back(rest.substr(at + separator.size()));
  parts.push_back(rest);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

static Value splitLines(const Value &object, const Arguments &arguments) {
  arguments.check("splitlines", 0, {});
  List lines;
  const std::string &text = object.asString();
  for (size_t from = 0; from < text.size();) {
    size_t end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

/// Whether one of the given strings stands at the start or at the end.
static bool standsAt(const Value &object, const Arguments &arguments,
                     bool start) {
  arguments.check(start ? "startswith" : "endswith", 1, {});
  auto matches = [&](const Value &part) {
    if (!part.is(Kind::String))
      throw ValueError("'startswith' and 'endswith' expect a string, found " +
                       std::string(part.kindName()));
    return start ? object.asString().starts_with(part.asString())
                 : object.asString().ends_with(part.asString());
  };
  const Value *given = arguments.find(0, "");
  if (given && given->is(Kind::Tuple))
    return std::any_of(given->asList().begin(), given->asList().end(), matches);
  return matches(given ? *given : Value());
}

static Value findText(const Value &object, const Arguments &arguments,
                      bool last) {
  arguments.check(last ? "rfind" : "find", 1, {});
  const std::string &text = object.asString();
  const std::string &part = getString(arguments, 0, "");
  size_t at = last ? text.rfind(part) : text.find(part);
  if (at == std::string::npos)
    return -1;
  return static_cast<int64_t>(characters(std::string_view(text).substr(0, at)));
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

static Value replaceText(const Value &object, const Arguments &arguments) {
  arguments.check("replace", 3, {"count"});
  return replaceAll(object.asString(), getString(arguments, 0, "old"),
                    getString(arguments, 1, "new"),
                    getInt(arguments, 2, "count", -1));
}

static Value countText(const Value &object, const Arguments &arguments) {
  arguments.check("count", 1, {});
  const std::string &part = getString(arguments, 0, "");
  if (part.empty())
    return static_cast<int64_t>(characters(object.asString()) + 1);
  int64_t count = 0;
  for (size_t at = object.asString().find(part); at != std::string::npos;
       at = object.asString().find(part, at + part.size()))
    ++count;
  return count;
}

/// Without arguments, `change` of the text.
template <std::string (*change)(const std::string &)>
static Value changed(const Value &object, const Arguments &arguments) {
  arguments.check("upper, lower", 0, {});
  return change(object.asString());
}

template <bool isDigit>
static Value consistsOf(const Value &object, const Arguments &arguments) {
  arguments.check(isDigit ? "isdigit" : "isspace", 0, {});
  const std::string &text = object.asString();
  for (size_t at = 0; at < text.size();) {
    char32_t c = text::nextChar(text, at);
    if (isDigit ? !text::isNumber(c) : !text::isSpace(c))
      return false;
  }
  return !text.empty();
}

static constexpr Method textMethods[] = {
    {"strip", [](const Value &o,
                 const Arguments &a) { return stripText(o, a, true, true); }},
    {"lstrip", [](const Value &o,
                  const Arguments &a) { return stripText(o, a, true, false); }},
    {"rstrip", [](const Value &o,
                  const Arguments &a) { return stripText(o, a, false, true); }},
    {"split", splitText},
    {"rsplit", rsplitText},
    {"splitlines", splitLines},
    {"startswith",
     [](const Value &o, const Arguments &a) -> Value {
       return standsAt(o, a, true);
     }},
    {"endswith",
     [](const Value &o, const Arguments &a) -> Value {
       return standsAt(o, a, false);
     }},
    {"find",
     [](const Value &o, const Arguments &a) { return findText(o, a, false); }},
    {"rfind",
     [](const Value &o, const Arguments &a) { return findText(o, a, true); }},
    {"join", joinItems},
    {"replace", replaceText},
    {"count", countText},
    {"upper", changed<upper>},
    {"lower", changed<lower>},
    {"title",
     [](const Value &o, const Arguments &a) -> Value {
       a.check("title", 0, {});
       return capitalize(o.asString(), true);
     }},
    {"capitalize",
     [](const Value &o, const Arguments &a) -> Value {
       a.check("capitalize", 0, {});
       return capitalize(o.asString(), false);
     }},
    {"isdigit", consistsOf<true>},
    {"isspace", consistsOf<false>},
};

static Value dictItems(const Value &object, const Arguments &arguments) {
  arguments.check("items", 0, {});
  List items;
  for (const auto &[key, value] : object.asDict())
    items.push_back(Value::tuple({key, value}));
  return items;
}

static Value dictGet(const Value &object, const Arguments &arguments) {
  arguments.check("get", 2, {});
  if (arguments.positional.empty())
    throw ValueError("'get' expects a key");
  const Value &key = arguments.positional[0];
  const Value *found =
      key.is(Kind::String) ? object.find(key.asString()) : nullptr;
  const Value *otherwise = arguments.find(1, "default");
  return found ? *found : otherwise ? *otherwise : Value::none();
}

static constexpr Method dictMethods[] = {
    {"items", dictItems},
    {"get", dictGet},
    {"keys",
     [](const Value &o, const Arguments &a) -> Value {
       a.check("keys", 0, {});
       return iterate(o);
     }},
    {"values",
     [](const Value &o, const Arguments &a) -> Value {
       a.check("values", 0, {});
       List values;
       for (const auto &[key, value] : o.asDict())
         values.push_back(value);
       return values;
     }},
};

static Value itemPlace(const Value &object, const Arguments &arguments,
                       bool count) {
  arguments.check(count ? "count" : "index", 1, {});
  if (arguments.positional.empty())
    throw ValueError("'index' and 'count' expect an item");
  const List &items = object.asList();
  if (count)
    return static_cast<int64_t>(
        std::count(items.begin(), items.end(), arguments.positional[0]));
  auto found = std::find(items.begin(), items.end(), arguments.positional[0]);
  if (found == items.end())
    throw ValueError("'index': the list has no such item");
  return static_cast<int64_t>(found - items.begin());
}

static constexpr Method listMethods[] = {
    {"index",
     [](const Value &o, const Arguments &a) { return itemPlace(o, a, false); }},
    {"count",
     [](const Value &o, const Arguments &a) { return itemPlace(o, a, true); }},
};

static const Method *findMethod(const Value &object, const std::string &name) {
  auto find = [&](const auto &methods) -> const Method * {
    auto found =
        std::find_if(std::begin(methods), std::end(methods),
                     [&](const Method &method) { return method.name == name; });
    return found == std::end(methods) ? nullptr : &*found;
  };
  if (object.is(Kind::String))
    return find(textMethods);
  if (object.is(Kind::Dict))
    return find(dictMethods);
  if (object.isSequence())
    return find(listMethods);
  return nullptr;
}

bool hasMethod(const Value &object, const std::string &name) {
  return findMethod(object, name) != nullptr;
}

Value callMethod(const Value &object, const std::string &name,
                 const Arguments &arguments) {
  if (const Method *method = findMethod(object, name))
    return method->call(object, arguments);
  throw ValueError("the method '" + name + "' of " +
                   std::string(object.kindName()) + " is not supported");
}

} // namespace marimba::rt::jinja
