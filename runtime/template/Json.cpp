//===- Json.cpp - The values of a chat template as JSON -------------------===//

#include "Value.h"

#include <algorithm>
#include <cmath>

namespace marimba::rt::jinja {

/// `items`, written by `write` with the index of each, in brackets.
template <typename Write>
static void writeItems(std::string &out, const JsonStyle &style, int depth,
                       std::string_view brackets, size_t items, Write write) {
  auto newLine = [&](int level) {
    if (!style.indent)
      return;
    out += '\n';
    for (int i = 0; i < level; ++i)
      out += *style.indent;
  };
  out += brackets[0];
  for (size_t i = 0; i < items; ++i) {
    out += i ? style.comma : "";
    newLine(depth + 1);
    write(i);
    checkLength(out.size());
  }
  if (items)
    newLine(depth);
  out += brackets[1];
}

static std::string quotedJson(const std::string &text, bool ascii) {
  return nlohmann::json(text).dump(-1, ' ', ascii,
                                   nlohmann::json::error_handler_t::replace);
}

void Value::writeJson(std::string &out, const JsonStyle &style,
                      int depth) const {
  switch (held) {
  case Kind::None:
    out += "null";
    return;
  case Kind::Bool:
    out += asBool() ? "true" : "false";
    return;
  case Kind::Int:
    out += std::to_string(asInt());
    return;
  case Kind::Float:
    out += std::isnan(asDouble()) ? "NaN"
           : std::isinf(asDouble())
               ? (asDouble() < 0 ? "-Infinity" : "Infinity")
               : floatText(asDouble());
    return;
  case Kind::String:
    out += quotedJson(asString(), style.ascii);
    return;
  case Kind::List:
  case Kind::Tuple:
    writeItems(out, style, depth, "[]", asList().size(),
               [&](size_t i) { asList()[i].writeJson(out, style, depth + 1); });
    return;
  case Kind::Dict: {
    std::vector<const std::pair<std::string, Value> *> entries;
    for (const auto &entry : asDict())
      entries.push_back(&entry);
    if (style.sorted)
      std::sort(
          entries.begin(), entries.end(),
          [](const auto *a, const auto *b) { return a->first < b->first; });
    writeItems(out, style, depth, "{}", entries.size(), [&](size_t i) {
      out += quotedJson(entries[i]->first, style.ascii) + style.colon;
      entries[i]->second.writeJson(out, style, depth + 1);
    });
    return;
  }
  default:
    throw ValueError("'tojson' of " + std::string(kindName()) +
                     (is(Kind::Undefined) ? " '" + name() + "'" : ""));
  }
}

std::string Value::toJson(const JsonStyle &style) const {
  std::string out;
  writeJson(out, style, 0);
  return out;
}

} // namespace marimba::rt::jinja
