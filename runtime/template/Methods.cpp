//===- Methods.cpp - Methods of strings, lists and dictionaries -----------===//

#include "Methods.h"
#include "Builtins.h"

#include <algorithm>
#include <iterator>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

const std::string *findString(const Arguments &arguments, size_t index,
                              std::string_view name) {
  const Value *value = arguments.find(index, name);
  if (!value || value->is(Kind::None))
    return nullptr;
  if (!value->is(Kind::String))
    throw ValueError("expected a string as argument, found " +
                     std::string(value->kindName()));
  return &value->asString();
}

const std::string &getString(const Arguments &arguments, size_t index,
                             std::string_view name) {
  if (const std::string *text = findString(arguments, index, name))
    return *text;
  throw ValueError("expected a string as argument " +
                   std::to_string(index + 1));
}

int64_t getInt(const Arguments &arguments, size_t index, std::string_view name,
               int64_t otherwise) {
  const Value *value = arguments.find(index, name);
  if (!value)
    return otherwise;
  if (!value->is(Kind::Int))
    throw ValueError("expected an integer as argument, found " +
                     std::string(value->kindName()));
  return value->asInt();
}

static Value dictItems(const Value &object, const Arguments &arguments) {
  arguments.check("items", 0, {});
  List items;
  for (const auto &[key, value] : object.asDict())
    items.push_back(Value::tuple({key, value}));
  return Value::view(std::move(items), "dict_items");
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

/// Values do not change, so one is its own copy.
static Value copy(const Value &object, const Arguments &arguments) {
  arguments.check("copy", 0, {});
  return object;
}

static constexpr Method dictMethods[] = {
    {"copy", copy},
    {"items", dictItems},
    {"get", dictGet},
    {"keys",
     [](const Value &o, const Arguments &a) -> Value {
       a.check("keys", 0, {});
       return Value::view(iterate(o), "dict_keys");
     }},
    {"values",
     [](const Value &o, const Arguments &a) -> Value {
       a.check("values", 0, {});
       List values;
       for (const auto &[key, value] : o.asDict())
         values.push_back(value);
       return Value::view(std::move(values), "dict_values");
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
    {"copy", copy},
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
  if (object.is(Kind::String)) {
    for (std::span<const Method> methods :
         {searchMethods(), splitMethods(), characterMethods()})
      if (const Method *method = find(methods))
        return method;
    return nullptr;
  }
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
