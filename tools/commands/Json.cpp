//===- Json.cpp - Values for answers in JSON ------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/Json.h"
#include "tools/commands/Output.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace marimba::commands {

Json Json::object(Members members) {
  std::ranges::sort(members, {}, &Members::value_type::first);
  Json result;
  result.value = std::move(members);
  return result;
}

std::string jsonString(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr std::string_view digits = "0123456789abcdef";
      out += "\\u00";
      out += digits[static_cast<size_t>(c >> 4)];
      out += digits[static_cast<size_t>(c & 15)];
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// All digits, so that it is the same number when it is read.
static std::string numberText(double value) {
  constexpr int digits = 17;
  char buffer[64];
  return {buffer, std::to_chars(buffer, std::end(buffer), value,
                                std::chars_format::general, digits)
                      .ptr};
}

static void newLine(std::string &out, int depth) {
  if (depth >= 0)
    out += "\n" + std::string(2 * static_cast<size_t>(depth), ' ');
}

/// `depth` is negative on one line.
void Json::write(std::string &out, int depth, const std::string &name,
                 std::vector<std::string> *notFinite) const {
  int inner = depth < 0 ? depth : depth + 1;
  if (const auto *flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (const auto *integer = std::get_if<int64_t>(&value)) {
    out += std::to_string(*integer);
  } else if (const auto *number = std::get_if<double>(&value)) {
    if (!std::isfinite(*number) && notFinite)
      notFinite->push_back(name);
    out += std::isfinite(*number) ? numberText(*number) : "null";
  } else if (const auto *string = std::get_if<std::string>(&value)) {
    out += jsonString(*string);
  } else if (const auto *list = std::get_if<Array>(&value)) {
    out += '[';
    for (const Json &element : *list) {
      out += &element == list->data() ? "" : ",";
      newLine(out, inner);
      element.write(out, inner, name, notFinite);
    }
    if (!list->empty())
      newLine(out, depth);
    out += ']';
  } else if (const auto *members = std::get_if<Members>(&value)) {
    out += '{';
    for (const auto &member : *members) {
      out += &member == members->data() ? "" : ",";
      newLine(out, inner);
      out += jsonString(member.first) + (depth < 0 ? ":" : ": ");
      member.second.write(out, inner, member.first, notFinite);
    }
    if (!members->empty())
      newLine(out, depth);
    out += '}';
  } else {
    out += "null";
  }
}

std::string Json::text(bool indent, std::vector<std::string> *notFinite) const {
  std::string out;
  write(out, indent ? 0 : -1, "", notFinite);
  return out;
}

void printJson(const Json &value) {
  std::vector<std::string> notFinite;
  print(value.text(/*indent=*/true, &notFinite) + "\n");
  for (const std::string &name : notFinite)
    printNote(name + " is not finite: null in JSON");
}

} // namespace marimba::commands
