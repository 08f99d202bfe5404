//===- TextFilters.cpp - Filters that cut, pad and count texts ------------===//

#include "Filters.h"
#include "Methods.h"

#include "../tokenizer/Unicode.h"

namespace marimba::rt::jinja {

using Kind = Value::Kind;

static Value center(const Value &subject, const Arguments &arguments) {
  arguments.check("center", 1, {"width"});
  return padText(subject.str(), getInt(arguments, 0, "width", 80), " ",
                 Side::Both);
}

static Value escape(const Value &subject, const Arguments &arguments) {
  arguments.check("escape", 0, {});
  std::string out;
  for (char c : subject.str())
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '\'':
      out += "&#39;";
      break;
    case '"':
      out += "&#34;";
      break;
    default:
      out += c;
    }
  return out;
}

static Value truncate(const Value &subject, const Arguments &arguments) {
  arguments.check("truncate", 4, {"length", "killwords", "end", "leeway"});
  int64_t length = getInt(arguments, 0, "length", 255);
  const Value *words = arguments.find(1, "killwords");
  const std::string *given = findString(arguments, 2, "end");
  const Value *leeway = arguments.find(3, "leeway");
  int64_t more = leeway && leeway->is(Kind::Int) ? leeway->asInt() : 5;
  std::string text = subject.str(), end = given ? *given : "...";
  auto size = static_cast<int64_t>(characters(end));
  if (length < size || more < 0)
    throw ValueError("'truncate' expects a length of at least " +
                     std::to_string(size) + " and a leeway of at least 0");
  if (static_cast<int64_t>(characters(text)) - more <= length)
    return text;
  text.resize(characterAt(text, static_cast<size_t>(length - size)));
  // A word that was cut goes, unless it is the only one.
  if (!words || !words->truth())
    text.resize(std::min(text.rfind(' '), text.size()));
  return text + end;
}

static Value wordCount(const Value &subject, const Arguments &arguments) {
  arguments.check("wordcount", 0, {});
  std::string text = subject.str();
  int64_t count = 0;
  bool inside = false;
  for (size_t at = 0; at < text.size();) {
    bool word = isWordCharacter(text::nextChar(text, at));
    count += word && !inside;
    inside = word;
  }
  return count;
}

static constexpr NamedFilter filters[] = {
    {"center", center},       {"e", escape},
    {"escape", escape},       {"truncate", truncate},
    {"wordcount", wordCount},
};

std::span<const NamedFilter> textFilters() { return filters; }

} // namespace marimba::rt::jinja
