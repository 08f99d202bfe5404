//===- JsonFile.cpp - JSON of a model's folder ----------------------------===//

#include "JsonFile.h"

#include "Text.h"
#include "marimba/FileKind.h"
#include "marimba/formats/JsonGuard.h"
#include "marimba/formats/JsonText.h"

namespace marimba::rt {

using Json = nlohmann::json;

/// Spells out what Python writes and JSON does not have.
static std::string spellOutNonFinite(std::string_view text) {
  std::string result;
  bool inString = false;
  for (size_t at = 0; at < text.size();) {
    char c = text[at];
    if (inString && c == '\\') {
      result += text.substr(at, 2);
      at += 2;
      continue;
    }
    if (c == '"')
      inString = !inString;
    if (!inString && (c == 'I' || c == 'N' || c == '-')) {
      bool found = false;
      for (std::string_view word : {"-Infinity", "Infinity", "NaN"})
        if (!found && text.substr(at).starts_with(word)) {
          result += "{\"__float__\": \"" + std::string(word) + "\"}";
          at += word.size();
          found = true;
        }
      if (found)
        continue;
    }
    result += c;
    ++at;
  }
  return result;
}

std::optional<Json> parseJsonFile(std::string_view text,
                                  const std::string &file, bool mayBeEmpty,
                                  std::string &error) {
  if (text.starts_with("\xef\xbb\xbf"))
    text.remove_prefix(3);
  if (mayBeEmpty && text::trim(text).empty())
    return Json::object();
  std::string problem = describeNoJson(text);
  if (problem.empty() && nestsTooDeep(text))
    problem = deepJsonText();
  if (problem.empty()) {
    std::string spelled = spellOutNonFinite(text);
    try {
      return parseJsonText(spelled);
    } catch (const Json::parse_error &exception) {
      problem = "not valid JSON: " + describeError(exception, spelled);
    } catch (const std::exception &exception) {
      problem = std::string("not valid JSON: ") + exception.what();
    }
  }
  error = file + ": " + problem;
  return std::nullopt;
}

} // namespace marimba::rt
