//===- Number.cpp - Numbers on the command line ---------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/Number.h"

#include <charconv>
#include <cmath>
#include <iterator>
#include <type_traits>

namespace marimba::commands {

/// As short as it reads back the same; no exponent, no locale.
template <typename T> static std::string toText(T value) {
  char buffer[512];
  if constexpr (std::is_integral_v<T>)
    return {buffer, std::to_chars(buffer, std::end(buffer), value).ptr};
  else
    return {buffer, std::to_chars(buffer, std::end(buffer), value,
                                  std::chars_format::fixed)
                        .ptr};
}

template <typename T> std::string Bounds<T>::text() const {
  return above ? "above " + toText(least) + ", at most " + toText(most)
               : toText(least) + " to " + toText(most);
}

template <typename T>
std::string parseNumber(std::string_view text, const Bounds<T> &bounds,
                        T &value) {
  // Signed, whatever T is: -1 is a number, out of bounds.
  using Wide =
      std::conditional_t<std::is_unsigned_v<T>, uint64_t,
                         std::conditional_t<std::is_integral_v<T>, int64_t, T>>;
  bool negative = std::is_unsigned_v<T> && text.starts_with("-");
  std::string_view digits = text.substr(negative);
  Wide wide = 0;
  const char *last = digits.data() + digits.size();
  auto [end, code] = std::from_chars(digits.data(), last, wide);
  bool outOfRange = code == std::errc::result_out_of_range;
  bool whole = std::is_integral_v<T>;
  if ((code != std::errc() && !outOfRange) || end != last ||
      (negative && digits.starts_with("-")) ||
      (!whole && !outOfRange && !std::isfinite(static_cast<double>(wide))))
    return std::string("expected a ") +
           (whole ? "whole number, " : "number, ") + bounds.text() +
           ", found '" + std::string(text) + "'";
  value = static_cast<T>(wide);
  // -0 is 0; what another type than T cuts is not allowed.
  if (outOfRange || (negative && wide != 0) || Wide(value) != wide ||
      !bounds.allow(value))
    return "expected " + bounds.text() + ", found " + std::string(text);
  return {};
}

#define MARIMBA_NUMBER(T)                                                      \
  template struct Bounds<T>;                                                   \
  template std::string parseNumber(std::string_view, const Bounds<T> &, T &);
MARIMBA_NUMBER(int)
MARIMBA_NUMBER(unsigned)
MARIMBA_NUMBER(int64_t)
MARIMBA_NUMBER(uint64_t)
MARIMBA_NUMBER(double)
#undef MARIMBA_NUMBER

} // namespace marimba::commands
