//===- ListFilters.cpp - Filters of lists ---------------------------------===//

#include "Builtins.h"
#include "Filters.h"
#include "Interpreter.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

Value getPath(const Value &object, const Value &path) {
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

/// The items of what is true: as Jinja's, some filters find none in the rest.
static List itemsOf(const Value &subject) {
  return subject.truth() ? iterate(subject) : List();
}

/// The items whose truth, or that of the test `arguments` begin with, is
/// `wanted`; `attribute`: of the member that they name first.
static Value choose(const Value &subject, const Arguments &arguments,
                    bool wanted, bool attribute) {
  size_t next = attribute ? 1 : 0;
  if (arguments.positional.size() < next)
    throw ValueError("'selectattr' and 'rejectattr' expect a name");
  List chosen;
  for (const Value &item : itemsOf(subject)) {
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
  for (const Value &item : itemsOf(subject)) {
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

static Value sum(const Value &subject, const Arguments &arguments) {
  arguments.check("sum", 2, {"attribute", "start"});
  const Value *attribute = arguments.find(0, "attribute");
  const Value *start = arguments.find(1, "start");
  if (attribute && attribute->is(Kind::None))
    attribute = nullptr;
  Value total = start ? *start : Value(0);
  for (const Value &item : iterate(subject)) {
    const Value part = attribute ? getPath(item, *attribute) : item;
    // Texts and lists would be copied again and again.
    if (!part.isNumber() || !total.isNumber())
      throw ValueError("'sum' expects numbers");
    total = computeBinary("+", total, part);
  }
  return total;
}

/// Lists of `size` items each, the last one filled up where there is with what.
static Value batch(const Value &subject, const Arguments &arguments) {
  arguments.check("batch", 2, {"linecount", "fill_with"});
  const Value *size = arguments.find(0, "linecount");
  const Value *fill = arguments.find(1, "fill_with");
  if (!size || !size->is(Kind::Int) || size->asInt() < 1)
    throw ValueError("'batch' expects a number of items");
  auto count = static_cast<size_t>(size->asInt());
  List batches, items;
  for (const Value &item : iterate(subject)) {
    if (items.size() == count)
      batches.push_back(std::exchange(items, {}));
    items.push_back(item);
  }
  if (items.empty())
    return batches;
  if (fill && !fill->is(Kind::None)) {
    checkLength(count);
    items.resize(std::max(items.size(), count), *fill);
  }
  batches.push_back(std::move(items));
  return batches;
}

/// That many lists; the first ones have one item more where they are not even.
static Value slice(const Value &subject, const Arguments &arguments) {
  arguments.check("slice", 2, {"slices", "fill_with"});
  const Value *number = arguments.find(0, "slices");
  const Value *fill = arguments.find(1, "fill_with");
  if (!number || !number->is(Kind::Int) || number->asInt() < 1)
    throw ValueError("'slice' expects a number of slices");
  auto count = static_cast<size_t>(number->asInt());
  checkLength(count);
  List items = iterate(subject), slices;
  size_t extra = items.size() % count, from = 0;
  for (size_t i = 0; i < count; ++i) {
    size_t to = from + items.size() / count + (i < extra);
    List part(items.begin() + static_cast<std::ptrdiff_t>(from),
              items.begin() + static_cast<std::ptrdiff_t>(to));
    if (fill && !fill->is(Kind::None) && i >= extra)
      part.push_back(*fill);
    slices.push_back(std::move(part));
    from = to;
  }
  return slices;
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
    {"batch", batch},
    {"first", end<true>},
    {"items", items},
    {"join", join},
    {"last", end<false>},
    {"list",
     [](const Value &subject, const Arguments &) -> Value {
       return iterate(subject);
     }},
    {"map", map},
    {"reject", choose<false, false>},
    {"rejectattr", choose<false, true>},
    {"reverse", reverse},
    {"select", choose<true, false>},
    {"selectattr", choose<true, true>},
    {"slice", slice},
    {"sum", sum},
};

std::span<const NamedFilter> listFilters() { return filters; }

} // namespace marimba::rt::jinja
