//===- Json.cpp - JSON of unknown origin ----------------------------------===//

#include "marimba/formats/JsonGuard.h"
#include "marimba/formats/JsonText.h"
#include "marimba/formats/Message.h"

#include "marimba/FileKind.h"

#include <cmath>
#include <set>

namespace marimba::rt {

std::string deepJsonText() {
  return "JSON nests deeper than " + std::to_string(kDeepestJson) + " levels";
}

std::string describeNoJson(std::string_view text) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    return "is in UTF-16 or UTF-32, expected UTF-8";
  if (text.substr(0, 2).find('\0') != std::string_view::npos)
    return "holds zero bytes, expected JSON in UTF-8 (UTF-16, or a file that "
           "was not written to its end?)";
  if (text.find_first_not_of(" \t\n\v\f\r") == std::string_view::npos)
    return "is empty, expected JSON";
  if (std::string_view kind = fileKind(text); !kind.empty())
    return "is " + std::string(kind) + ", expected JSON";
  // To the parser the text ends at one.
  if (size_t zero = text.find('\0'); zero != std::string_view::npos)
    return "has a zero byte at byte " + std::to_string(zero) +
           ", expected JSON";
  return "";
}

std::string describeError(const nlohmann::json::parse_error &problem,
                          std::string_view text) {
  std::string_view read = text.substr(0, problem.byte ? problem.byte - 1 : 0);
  size_t line = 1, lineBegin = 0;
  for (size_t i = 0; i < read.size(); ++i)
    if (read[i] == '\n') {
      ++line;
      lineBegin = i + 1;
    }
  std::string reason = problem.what();
  // "[json.exception...] parse error at line 2, column 7: "
  if (size_t at = reason.find(": "); at != std::string::npos)
    reason.erase(0, at + 2);
  // What was read may be anything.
  if (size_t at = reason.find("; last read: "); at != std::string::npos) {
    size_t end = reason.rfind("; expected ");
    reason.erase(at, end == std::string::npos || end < at ? std::string::npos
                                                          : end - at);
  }
  return "[" + std::to_string(line) + ":" +
         std::to_string(read.size() - lineBegin) +
         ", byte=" + std::to_string(read.size()) + "]: " + reason;
}

std::optional<nlohmann::json> parseUniqueJson(std::string_view text,
                                              std::string &problem) {
  if (text.starts_with("\xef\xbb\xbf"))
    text.remove_prefix(3);
  problem = describeNoJson(text);
  if (problem.empty() && nestsTooDeep(text))
    problem = deepJsonText();
  if (!problem.empty())
    return std::nullopt;
  // Of the objects that are open.
  std::vector<std::set<std::string>> names;
  auto look = [&](int, nlohmann::json::parse_event_t event,
                  nlohmann::json &parsed) {
    if (event == nlohmann::json::parse_event_t::object_start)
      names.emplace_back();
    else if (event == nlohmann::json::parse_event_t::object_end)
      names.pop_back();
    else if (event == nlohmann::json::parse_event_t::key &&
             !names.back().insert(parsed.get_ref<std::string &>()).second &&
             problem.empty())
      problem = formats::quotedName(parsed.get_ref<std::string &>()) +
                " occurs twice";
    return true;
  };
  try {
    ClassicLocale classic;
    nlohmann::json value =
        nlohmann::json::parse(text.begin(), text.end(), look);
    if (problem.empty())
      return value;
  } catch (const nlohmann::json::parse_error &error) {
    if (problem.empty())
      problem = "not valid JSON: " + describeError(error, text);
  } catch (const std::exception &error) { // a number that no double holds
    if (problem.empty())
      problem = std::string("not valid JSON: ") + error.what();
  }
  return std::nullopt;
}

std::optional<int64_t> asInteger(const nlohmann::json &value) {
  constexpr double most = 9.0e18;
  if (!value.is_number())
    return std::nullopt;
  auto number = value.get<double>();
  if (!(std::fabs(number) <= most) || number != std::trunc(number))
    return std::nullopt;
  return value.is_number_float() ? int64_t(number) : value.get<int64_t>();
}

std::string printJson(const nlohmann::json &value) {
  constexpr size_t longest = 80;
  if (value.is_object() && value.size() > 4)
    return "an object";
  ClassicLocale classic;
  std::string text = value.dump();
  if (text.size() <= longest)
    return text;
  text.resize(longest);
  // No part of a character is left.
  while (!text.empty() && (text.back() & 0xc0) == 0x80)
    text.pop_back();
  if (!text.empty() && (text.back() & 0x80))
    text.pop_back();
  return text + "...";
}

} // namespace marimba::rt
