//===- Text.h - Small things with texts -------------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_ENGINE_TEXT_H
#define MARIMBA_RUNTIME_ENGINE_TEXT_H

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace marimba::rt::text {

/// White space of ASCII, as C has it.
inline constexpr std::string_view kSpace = " \t\n\v\f\r";

inline std::string_view trimLeft(std::string_view text,
                                 std::string_view what = kSpace) {
  text.remove_prefix(std::min(text.find_first_not_of(what), text.size()));
  return text;
}
inline std::string_view trim(std::string_view text,
                             std::string_view what = kSpace) {
  text = trimLeft(text, what);
  return text.substr(0, text.find_last_not_of(what) + 1);
}

/// Takes what is in front of the first `end` from `text`, and `end`, too; all
/// of it where there is none.
inline std::string_view takeUntil(std::string_view &text, char end) {
  size_t size = std::min(text.find(end), text.size());
  std::string_view taken = text.substr(0, size);
  text.remove_prefix(std::min(size + 1, text.size()));
  return taken;
}

/// The size of the longest end of `text` that is the beginning of `mark`, and
/// not all of it: more of it may follow.
inline size_t sizeOfHalf(std::string_view text, std::string_view mark) {
  size_t size = std::min(mark.size() - 1, text.size());
  while (!text.ends_with(mark.substr(0, size)))
    --size;
  return size;
}

/// With so many digits behind the point, whatever the locale.
inline std::string fixed(double value, int digits) {
  char buffer[400];
  return {buffer, std::to_chars(buffer, buffer + sizeof(buffer), value,
                                std::chars_format::fixed, digits)
                      .ptr};
}

/// "1,048,576"
inline std::string grouped(int64_t value) {
  std::string digits = std::to_string(value);
  size_t first = value < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;)
    digits.insert(at -= 3, ",");
  return digits;
}

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_ENGINE_TEXT_H
