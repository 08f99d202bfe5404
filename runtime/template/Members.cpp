//===- Members.cpp - Members, items and slices of values ------------------===//

#include "Builtins.h"

#include <algorithm>
#include <limits>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

static void refuseUndefined(const Value &object) {
  if (object.is(Kind::Undefined))
    throw ValueError("'" + object.name() + "' is undefined");
}

Value getAttribute(const Value &object, const std::string &name) {
  refuseUndefined(object);
  if (object.is(Kind::Dict) && hasMethod(object, name))
    return Value(
        [object, name](const Arguments &arguments) {
          return callMethod(object, name, arguments);
        },
        name, {{"__self__", object}});
  if (object.is(Kind::Function))
    for (const auto &[key, member] : object.members())
      if (key == name)
        return member.is(Kind::Function) && member.name() == kComputed
                   ? member.asFunction()({})
                   : member;
  if (object.isGroup() && (name == "grouper" || name == "list"))
    return object.asList()[name == "list" ? 1 : 0];
  if (object.isMapping())
    if (const Value *member = object.find(name))
      return *member;
  return Value::undefined(name);
}

Value getItem(const Value &object, const Value &index) {
  refuseUndefined(object);
  if (object.isMapping()) {
    const Value *member =
        index.is(Kind::String) ? object.find(index.asString()) : nullptr;
    return member ? *member : Value::undefined(index.str());
  }
  if (object.is(Kind::Function) && index.is(Kind::String))
    return getAttribute(object, index.asString());
  if (object.isView())
    return Value::undefined(index.str());
  bool counts = index.is(Kind::Int) || index.is(Kind::Bool);
  if (object.isGroup() && index.is(Kind::String))
    return getAttribute(object, index.asString());
  if (!counts || !(object.isSequence() || object.is(Kind::String)))
    return Value::undefined(index.str());
  bool text = object.is(Kind::String);
  int64_t size = static_cast<int64_t>(text ? characters(object.asString())
                                           : object.asList().size());
  int64_t at = index.asInt() < 0 ? index.asInt() + size : index.asInt();
  if (at < 0 || at >= size)
    return Value::undefined(index.str());
  if (!text)
    return object.asList()[static_cast<size_t>(at)];
  size_t begin = characterAt(object.asString(), static_cast<size_t>(at));
  std::string_view rest = std::string_view(object.asString()).substr(begin);
  return std::string(rest.substr(0, characterAt(rest, 1)));
}

/// A bound of a slice as Python's slice.indices() has it.
static int64_t bound(const Value &given, int64_t otherwise, int64_t size,
                     int64_t lowest, int64_t highest) {
  if (given.is(Kind::Undefined) || given.is(Kind::None))
    return otherwise;
  if (!given.is(Kind::Int) && !given.is(Kind::Bool))
    throw ValueError("a slice expects integers, found " +
                     std::string(given.kindName()));
  int64_t at = given.asInt();
  if (at < 0)
    at = std::max(at, -size) + size - (at < -size ? 1 : 0);
  return std::clamp(at, lowest, highest);
}

Value getSlice(const Value &object, const Value &begin, const Value &end,
               const Value &step) {
  refuseUndefined(object);
  if (!object.isSequence() && !object.is(Kind::String))
    throw ValueError("a slice of " + std::string(object.kindName()));
  List items = iterate(object);
  auto size = static_cast<int64_t>(items.size());
  constexpr int64_t any = std::numeric_limits<int64_t>::max() / 4;
  int64_t by = bound(step, 1, 0, -any, any);
  if (step.is(Kind::Int))
    by = std::clamp(step.asInt(), -any, any);
  if (by == 0)
    throw ValueError("the step of a slice is 0");
  bool forward = by > 0;
  int64_t lowest = forward ? 0 : -1, highest = forward ? size : size - 1;
  int64_t from = bound(begin, forward ? 0 : size - 1, size, lowest, highest);
  int64_t to = bound(end, forward ? size : -1, size, lowest, highest);
  List chosen;
  for (int64_t at = from; forward ? at < to : at > to; at += by)
    chosen.push_back(items[static_cast<size_t>(at)]);
  if (object.is(Kind::List))
    return chosen;
  if (object.is(Kind::Tuple))
    return Value::tuple(std::move(chosen));
  std::string text;
  for (const Value &character : chosen)
    text += character.asString();
  return text;
}

} // namespace marimba::rt::jinja
