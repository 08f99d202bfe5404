//===- OrderFilters.cpp - Filters that compare items ----------------------===//

#include "Builtins.h"
#include "Filters.h"

#include <algorithm>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

static bool isSet(const Arguments &arguments, size_t index,
                  std::string_view name) {
  const Value *value = arguments.find(index, name);
  return value && value->truth();
}

/// The attribute that is given; null where there is none.
static const Value *getAttributeName(const Arguments &arguments, size_t index) {
  const Value *value = arguments.find(index, "attribute");
  return value && !value->is(Kind::None) ? value : nullptr;
}

static Value foldCase(const Value &key, bool caseSensitive) {
  return key.is(Kind::String) && !caseSensitive ? Value(lower(key.asString()))
                                                : key;
}

/// What items are ordered by: texts without regard to case.
static Value sortKey(const Value &item, const Value *attribute,
                     bool caseSensitive) {
  return foldCase(attribute ? getPath(item, *attribute) : item, caseSensitive);
}

/// The same, of attributes with commas between them.
static Value sortKeys(const Value &item, const Value *attribute,
                      bool caseSensitive) {
  if (!attribute || !attribute->is(Kind::String) ||
      attribute->asString().find(',') == std::string::npos)
    return sortKey(item, attribute, caseSensitive);
  List keys;
  std::string_view rest = attribute->asString();
  for (bool more = true; more;) {
    size_t comma = rest.find(',');
    Value name = std::string(rest.substr(0, comma));
    keys.push_back(sortKey(item, &name, caseSensitive));
    more = comma != rest.npos;
    rest = more ? rest.substr(comma + 1) : "";
  }
  return keys;
}

/// `items` in the order of their `keys`.
static List ordered(const List &items, const List &keys, bool down) {
  std::vector<size_t> order(items.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return down ? less(keys[b], keys[a]) : less(keys[a], keys[b]);
  });
  List made;
  for (size_t index : order)
    made.push_back(items[index]);
  return made;
}

static Value sort(const Value &subject, const Arguments &arguments) {
  arguments.check("sort", 3, {"reverse", "case_sensitive", "attribute"});
  bool caseful = isSet(arguments, 1, "case_sensitive");
  const Value *attribute = getAttributeName(arguments, 2);
  List items = iterate(subject), keys;
  for (const Value &item : items)
    keys.push_back(sortKeys(item, attribute, caseful));
  return ordered(items, keys, isSet(arguments, 0, "reverse"));
}

static Value dictSort(const Value &subject, const Arguments &arguments) {
  arguments.check("dictsort", 3, {"case_sensitive", "by", "reverse"});
  if (!subject.isMapping())
    throw ValueError("'dictsort' expects a dict");
  bool caseful = isSet(arguments, 0, "case_sensitive");
  const Value *by = arguments.find(1, "by");
  std::string how = by ? by->str() : "key";
  if (how != "key" && how != "value")
    throw ValueError("'dictsort' expects key or value, found '" + how + "'");
  List pairs, keys;
  for (const auto &[key, value] : subject.asDict()) {
    pairs.push_back(Value::tuple({key, value}));
    keys.push_back(foldCase(how == "key" ? Value(key) : value, caseful));
  }
  return ordered(pairs, keys, isSet(arguments, 2, "reverse"));
}

static Value unique(const Value &subject, const Arguments &arguments) {
  arguments.check("unique", 2, {"case_sensitive", "attribute"});
  bool caseful = isSet(arguments, 0, "case_sensitive");
  const Value *attribute = getAttributeName(arguments, 1);
  List items, keys;
  for (const Value &item : iterate(subject)) {
    Value key = sortKey(item, attribute, caseful);
    if (std::find(keys.begin(), keys.end(), key) != keys.end())
      continue;
    keys.push_back(key);
    items.push_back(item);
  }
  return items;
}

/// The lowest or highest item.
template <bool highest>
static Value extreme(const Value &subject, const Arguments &arguments) {
  arguments.check("min, max", 2, {"case_sensitive", "attribute"});
  bool caseful = isSet(arguments, 0, "case_sensitive");
  const Value *attribute = getAttributeName(arguments, 1);
  List items = iterate(subject);
  if (items.empty())
    return Value::undefined("item");
  // The first of equal ones, as in Python.
  size_t found = 0;
  Value best = sortKey(items[0], attribute, caseful);
  for (size_t i = 1; i < items.size(); ++i) {
    Value key = sortKey(items[i], attribute, caseful);
    if (highest ? less(best, key) : less(key, best)) {
      found = i;
      best = std::move(key);
    }
  }
  return items[found];
}

/// Pairs of a value of an attribute and the items that have it, in its order.
static Value groupBy(const Value &subject, const Arguments &arguments) {
  arguments.check("groupby", 3, {"attribute", "default", "case_sensitive"});
  const Value *attribute = getAttributeName(arguments, 0);
  const Value *otherwise = arguments.find(1, "default");
  bool caseful = isSet(arguments, 2, "case_sensitive");
  if (!attribute)
    throw ValueError("'groupby' expects the name of an attribute");
  auto valueOf = [&](const Value &item) {
    Value value = getPath(item, *attribute);
    return value.is(Kind::Undefined) && otherwise ? *otherwise : value;
  };
  List items = iterate(subject), keys;
  for (const Value &item : items)
    keys.push_back(foldCase(valueOf(item), caseful));
  items = ordered(items, keys, false);
  List groups, group;
  for (size_t i = 0; i < items.size(); ++i) {
    group.push_back(items[i]);
    if (i + 1 < items.size() && foldCase(valueOf(items[i + 1]), caseful) ==
                                    foldCase(valueOf(items[i]), caseful))
      continue;
    Value grouper = valueOf(group.front());
    groups.push_back(Value::group(std::move(grouper), std::move(group)));
    group.clear();
  }
  return groups;
}

static constexpr NamedFilter filters[] = {
    {"dictsort", dictSort},  {"groupby", groupBy}, {"max", extreme<true>},
    {"min", extreme<false>}, {"sort", sort},       {"unique", unique},
};

std::span<const NamedFilter> orderFilters() { return filters; }

} // namespace marimba::rt::jinja
