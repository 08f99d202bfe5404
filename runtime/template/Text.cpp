//===- Text.cpp - Comparing, searching and changing values ----------------===//

#include "Value.h"

#include "../tokenizer/Unicode.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

namespace marimba::rt::jinja {

using Kind = Value::Kind;

bool operator==(const Value &a, const Value &b) {
  if (a.isNumber() && b.isNumber())
    return a.is(Kind::Float) || b.is(Kind::Float) ? a.asDouble() == b.asDouble()
                                                  : a.asInt() == b.asInt();
  if (a.kind() != b.kind())
    return false;
  switch (a.kind()) {
  case Kind::String:
    return a.asString() == b.asString();
  case Kind::List:
  case Kind::Tuple:
    return a.asList() == b.asList();
  case Kind::Dict: {
    // The order of keys does not count.
    if (a.asDict().size() != b.asDict().size())
      return false;
    for (const auto &[key, value] : a.asDict()) {
      const Value *other = b.find(key);
      if (!other || !(value == *other))
        return false;
    }
    return true;
  }
  case Kind::Namespace:
    return &a.asDict() == &b.asDict();
  case Kind::Function:
    return &a.asFunction() == &b.asFunction();
  default: // none, undefined
    return true;
  }
}

bool less(const Value &a, const Value &b) {
  if (a.isNumber() && b.isNumber())
    return a.is(Kind::Float) || b.is(Kind::Float) ? a.asDouble() < b.asDouble()
                                                  : a.asInt() < b.asInt();
  if (a.is(Kind::String) && b.is(Kind::String))
    return a.asString() < b.asString(); // UTF-8 keeps the order of characters
  if (a.isSequence() && a.kind() == b.kind())
    return std::lexicographical_compare(
        a.asList().begin(), a.asList().end(), b.asList().begin(),
        b.asList().end(),
        [](const Value &x, const Value &y) { return less(x, y); });
  throw ValueError("cannot compare " + std::string(a.kindName()) + " with " +
                   std::string(b.kindName()));
}

bool contains(const Value &container, const Value &item) {
  if (container.is(Kind::String)) {
    if (!item.is(Kind::String))
      throw ValueError("'in' a string expects a string, found " +
                       std::string(item.kindName()));
    return container.asString().find(item.asString()) != std::string::npos;
  }
  if (container.isMapping())
    return item.is(Kind::String) && container.find(item.asString());
  if (container.isSequence())
    return std::find(container.asList().begin(), container.asList().end(),
                     item) != container.asList().end();
  if (container.is(Kind::Undefined))
    return false;
  throw ValueError("'in' expects a string, list or dict, found " +
                   std::string(container.kindName()));
}

List iterate(const Value &value) {
  if (value.isSequence())
    return value.asList();
  List items;
  if (value.isMapping()) {
    for (const auto &[key, member] : value.asDict())
      items.push_back(key);
    return items;
  }
  if (value.is(Kind::Undefined))
    return items;
  if (!value.is(Kind::String))
    throw ValueError(std::string(value.kindName()) +
                     " has no items to go over");
  const std::string &text = value.asString();
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    text::nextChar(text, end);
    items.push_back(text.substr(begin, end - begin));
  }
  return items;
}

size_t characters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
      }));
}

size_t characterAt(std::string_view text, size_t index) {
  size_t position = 0;
  for (; index > 0 && position < text.size(); --index)
    text::nextChar(text, position);
  return position;
}

bool isPythonSpace(char32_t c) {
  return text::isSpace(c) || (c >= 0x1c && c <= 0x1f);
}

std::string strip(const std::string &text, const std::string *set, bool left,
                  bool right) {
  auto goes = [&](char32_t c) {
    if (!set)
      return isPythonSpace(c);
    for (size_t at = 0; at < set->size();)
      if (text::nextChar(*set, at) == c)
        return true;
    return false;
  };
  size_t begin = 0, end = text.size();
  while (left && begin < end) {
    size_t next = begin;
    if (!goes(text::nextChar(text, next)))
      break;
    begin = next;
  }
  while (right && begin < end) {
    size_t previous = end;
    if (!goes(text::previousChar(text, previous)))
      break;
    end = previous;
  }
  return text.substr(begin, end - begin);
}

std::string replaceAll(const std::string &text, const std::string &what,
                       const std::string &with, int64_t most) {
  std::string out;
  size_t from = 0;
  for (int64_t done = 0; most < 0 || done < most; ++done) {
    // An empty one stands before every character and at the end.
    size_t at = text.find(what, from);
    if (at == std::string::npos)
      break;
    out.append(text, from, at - from);
    out += with;
    from = at + what.size();
    if (what.empty()) {
      if (from == text.size())
        break;
      size_t next = from;
      text::nextChar(text, next);
      out.append(text, from, next - from);
      from = next;
    }
    checkLength(out.size());
  }
  return out.append(text, from);
}

static std::string toUtf8(const icu::UnicodeString &text) {
  std::string out;
  text.toUTF8String(out);
  return out;
}

std::string upper(const std::string &text) {
  return toUtf8(
      icu::UnicodeString::fromUTF8(text).toUpper(icu::Locale::getRoot()));
}

std::string lower(const std::string &text) {
  return toUtf8(
      icu::UnicodeString::fromUTF8(text).toLower(icu::Locale::getRoot()));
}

std::string capitalize(const std::string &text, bool words) {
  std::string out;
  bool begins = true;
  for (size_t at = 0; at < text.size();) {
    auto c = static_cast<UChar32>(text::nextChar(text, at));
    text::appendChar(
        static_cast<char32_t>(begins ? u_totitle(c) : u_tolower(c)), out);
    begins = words && !u_isalpha(c);
  }
  return out;
}

} // namespace marimba::rt::jinja
