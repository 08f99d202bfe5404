//===- ListFilters.cpp - Filters of lists ---------------------------------===//

#include "ListFilters.h"
#include "Builtins.h"

#include <algorithm>
#include <charconv>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

/// The member at a path such as `function.name` or `0.text`.
static Value getPath(const Value &object, const Value &path) {
  if (!path.is(Kind::String))
    return getItem(object, path);
  Value found = object;
  std::string_view rest = path.asString();
  for (bool more = true; more;) {
    size_t dot = rest.find('.');
    std::string_view part = rest.substr(0, dot);
    int64_t index = 0;
    auto [stop, code] =
        std::from_chars(part.data(), part.data() + part.size(), index);
    bool number = code == std::errc() && stop == part.data() + part.size();
    found = getItem(found, number ? Value(index) : Value(std::string(part)));
    more = dot != rest.npos;
    rest = more ? rest.substr(dot + 1) : "";
  }
  return found;
}

/// The arguments from `index` on; the named ones stay.
static Arguments from(const Arguments &arguments, size_t index) {
  Arguments rest;
  if (index < arguments.positional.size())
    rest.positional.assign(arguments.positional.begin() +
                               static_cast<std::ptrdiff_t>(index),
                           arguments.positional.end());
  rest.named = arguments.named;
  return rest;
}

/// The items whose truth, or that of the test `arguments` begin with, is
/// `wanted`; `attribute`: of the member that they name first.
static Value choose(const Value &subject, const Arguments &arguments,
                    bool wanted, bool attribute) {
  size_t next = attribute ? 1 : 0;
  if (arguments.positional.size() < next)
    throw ValueError("'selectattr' and 'rejectattr' expect a name");
  List chosen;
  for (const Value &item : iterate(subject)) {
    Value tested = attribute ? getPath(item, arguments.positional[0]) : item;
    bool holds = arguments.positional.size() <= next
                     ? tested.truth()
                     : applyTest(arguments.positional[next].str(), tested,
                                 from(arguments, next + 1));
    if (holds == wanted)
      chosen.push_back(item);
  }
  return chosen;
}

template <bool wanted, bool attribute>
static Value choose(const Value &subject, const Arguments &arguments) {
  return choose(subject, arguments, wanted, attribute);
}

static Value map(const Value &subject, const Arguments &arguments) {
  List items;
  const Value *attribute = nullptr, *otherwise = nullptr;
  if (arguments.positional.empty()) {
    arguments.check("map", 0, {"attribute", "default"});
    attribute = arguments.find(0, "attribute");
    otherwise = arguments.find(0, "default");
    if (!attribute)
      throw ValueError("'map' expects the name of a filter, or attribute=");
  }
  for (const Value &item : iterate(subject)) {
    Value made = attribute ? getPath(item, *attribute)
                           : applyFilter(arguments.positional[0].str(), item,
                                         from(arguments, 1));
    items.push_back(made.is(Kind::Undefined) && otherwise ? *otherwise : made);
  }
  return items;
}

static Value join(const Value &subject, const Arguments &arguments) {
  arguments.check("join", 2, {"d", "attribute"});
  const Value *between = arguments.find(0, "d");
  const Value *attribute = arguments.find(1, "attribute");
  std::string text;
  bool first = true;
  for (const Value &item : iterate(subject)) {
    text += (first || !between ? "" : between->str()) +
            (attribute ? getPath(item, *attribute) : item).str();
    checkLength(text.size());
    first = false;
  }
  return text;
}

/// What items are ordered by: texts without regard to case.
static Value sortKey(const Value &item, const Value *attribute,
                     bool caseSensitive) {
  Value key = attribute ? getPath(item, *attribute) : item;
  return key.is(Kind::String) && !caseSensitive ? Value(lower(key.asString()))
                                                : key;
}

static Value sort(const Value &subject, const Arguments &arguments) {
  arguments.check("sort", 3, {"reverse", "case_sensitive", "attribute"});
  const Value *reverse = arguments.find(0, "reverse");
  const Value *caseful = arguments.find(1, "case_sensitive");
  const Value *attribute = arguments.find(2, "attribute");
  List items = iterate(subject);
  bool down = reverse && reverse->truth();
  std::stable_sort(items.begin(), items.end(),
                   [&](const Value &a, const Value &b) {
                     bool exact = caseful && caseful->truth();
                     Value x = sortKey(a, attribute, exact);
                     Value y = sortKey(b, attribute, exact);
                     return down ? less(y, x) : less(x, y);
                   });
  return items;
}

static Value dictSort(const Value &subject, const Arguments &arguments) {
  arguments.check("dictsort", 0, {});
  if (!subject.isMapping())
    throw ValueError("'dictsort' expects a dict");
  List pairs;
  for (const auto &[key, value] : subject.asDict())
    pairs.push_back(Value::tuple({key, value}));
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Value &a, const Value &b) {
                     return lower(a.asList()[0].asString()) <
                            lower(b.asList()[0].asString());
                   });
  return pairs;
}

static Value unique(const Value &subject, const Arguments &arguments) {
  arguments.check("unique", 0, {});
  List items, keys;
  for (const Value &item : iterate(subject)) {
    Value key = sortKey(item, nullptr, false);
    if (std::find(keys.begin(), keys.end(), key) != keys.end())
      continue;
    keys.push_back(key);
    items.push_back(item);
  }
  return items;
}

static Value reverse(const Value &subject, const Arguments &arguments) {
  arguments.check("reverse", 0, {});
  List items = iterate(subject);
  std::reverse(items.begin(), items.end());
  if (!subject.is(Kind::String))
    return items;
  std::string text;
  for (const Value &item : items)
    text += item.asString();
  return text;
}

/// The lowest or highest item.
template <bool highest>
static Value extreme(const Value &subject, const Arguments &arguments) {
  arguments.check("min, max", 0, {});
  List items = iterate(subject);
  if (items.empty())
    return Value::undefined("item");
  auto before = [](const Value &a, const Value &b) {
    return less(sortKey(a, nullptr, false), sortKey(b, nullptr, false));
  };
  return highest ? *std::max_element(items.begin(), items.end(), before)
                 : *std::min_element(items.begin(), items.end(), before);
}

static Value sum(const Value &subject, const Arguments &arguments) {
  arguments.check("sum", 0, {});
  double total = 0;
  int64_t whole = 0;
  bool integers = true;
  for (const Value &item : iterate(subject)) {
    if (!item.isNumber())
      throw ValueError("'sum' expects numbers");
    integers = integers && !item.is(Kind::Float);
    total += item.asDouble();
    if (integers && __builtin_add_overflow(whole, item.asInt(), &whole))
      throw ValueError("'sum' is out of range");
  }
  return integers ? Value(whole) : Value(total);
}

template <bool isFirst>
static Value end(const Value &subject, const Arguments &arguments) {
  arguments.check("first, last", 0, {});
  List items = iterate(subject);
  if (items.empty())
    return Value::undefined("item");
  return isFirst ? items.front() : items.back();
}

static Value items(const Value &subject, const Arguments &arguments) {
  arguments.check("items", 0, {});
  if (subject.is(Kind::Undefined))
    return List();
  if (!subject.is(Kind::Dict))
    throw ValueError("'items' expects a dict");
  return callMethod(subject, "items", arguments);
}

static constexpr NamedFilter filters[] = {
    {"dictsort", dictSort},
    {"first", end<true>},
    {"items", items},
    {"join", join},
    {"last", end<false>},
    {"list",
     [](const Value &subject, const Arguments &) -> Value {
       return iterate(subject);
     }},
    {"map", map},
    {"max", extreme<true>},
    {"min", extreme<false>},
    {"reject", choose<false, false>},
    {"rejectattr", choose<false, true>},
    {"reverse", reverse},
    {"select", choose<true, false>},
    {"selectattr", choose<true, true>},
    {"sort", sort},
    {"sum", sum},
    {"unique", unique},
};

std::span<const NamedFilter> listFilters() { return filters; }

} // namespace marimba::rt::jinja
