//===- JsonText.h - From text to JSON and numbers ---------------*- C++ -*-===//
//
// The one place where the runtime parses JSON, and where an integer of it
// becomes one of ours.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_FORMATS_JSONTEXT_H
#define MARIMBA_FORMATS_JSONTEXT_H

#include "marimba/formats/ClassicLocale.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace marimba::rt {

/// Throws what the library throws where `text` is not JSON.
template <typename JsonT = nlohmann::json>
JsonT parseJsonText(std::string_view text) {
  ClassicLocale classic;
  return JsonT::parse(text.begin(), text.end());
}

/// A discarded value where `text` is not JSON.
inline nlohmann::json tryParseJsonText(std::string_view text) {
  ClassicLocale classic;
  return nlohmann::json::parse(text.begin(), text.end(), nullptr,
                               /*allow_exceptions=*/false);
}

/// As above, of a file's text: nothing, and `problem` ("not valid JSON: ...",
/// "'x' occurs twice"), where it is not JSON, nests deeper than kDeepestJson,
/// or has a name twice in an object. A byte order mark of UTF-8 is passed over.
std::optional<nlohmann::json> parseUniqueJson(std::string_view text,
                                              std::string &problem);

/// "[2:7, byte=40]: syntax error ...": line, column from 0 and byte where the
/// parser of `text` stopped, and why.
std::string describeError(const nlohmann::json::parse_error &problem,
                          std::string_view text);

/// `value` on one line, cut where it is long, for messages.
std::string printJson(const nlohmann::json &value);

/// The integer that `value` is; 2.0 is one, 2.5 and 1e30 are none.
std::optional<int64_t> asInteger(const nlohmann::json &value);

/// The integer that `value` is, where it lies in [least, most]: get<int64_t>()
/// of the library makes -1 of 2^64 - 1, and get<int32_t>() 0 of 2^32.
template <typename JsonT>
std::optional<int64_t> integerIn(const JsonT &value, int64_t least,
                                 int64_t most = INT64_MAX) {
  if (!value.is_number_integer())
    return std::nullopt;
  if (value.is_number_unsigned() &&
      value.template get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    return std::nullopt;
  auto number = value.template get<int64_t>();
  if (number < least || number > most)
    return std::nullopt;
  return number;
}

} // namespace marimba::rt

#endif // MARIMBA_FORMATS_JSONTEXT_H
