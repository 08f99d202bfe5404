//===- Json.h - Values for answers in JSON ----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_JSON_H
#define MARIMBA_TOOLS_COMMANDS_JSON_H

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace marimba::commands {

/// A value to be printed. Members of objects are in the order of their names.
class Json {
public:
  using Array = std::vector<Json>;
  using Members = std::vector<std::pair<std::string, Json>>;

  Json(std::nullptr_t = nullptr) {}
  Json(bool value) : value(value) {}
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Json(T value) : value(static_cast<int64_t>(value)) {}
  Json(double value) : value(value) {}
  Json(std::string text) : value(std::move(text)) {}
  Json(std::string_view text) : value(std::string(text)) {}
  Json(const char *text) : value(std::string(text)) {}
  Json(Array list) : value(std::move(list)) {}
  Json(std::span<const int32_t> ids) : value(Array(ids.begin(), ids.end())) {}

  static Json object(Members members);

  /// The text on one line, or, with `indent`, on many. JSON has no NaN and no
  /// infinity: such a number becomes null, and its name goes to `notFinite`.
  std::string text(bool indent, std::vector<std::string> *notFinite) const;

private:
  void write(std::string &out, int depth, const std::string &name,
             std::vector<std::string> *notFinite) const;

  std::variant<std::nullptr_t, bool, int64_t, double, std::string, Array,
               Members>
      value = nullptr;
};

/// `text` (UTF-8) as a string of JSON.
std::string jsonString(std::string_view text);

/// Prints a value to stdout, readable by people and by programs; a note names
/// numbers that are not finite.
void printJson(const Json &value);

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_JSON_H
