//===- Number.cpp - Options that take a number ----------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/Number.h"
#include "tools/marimba/Driver.h"

#include <charconv>
#include <cmath>

using namespace marimba;
using namespace marimba::driver;
using namespace llvm;

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
std::string driver::parseNumber(StringRef text, const Bounds<T> &bounds,
                                T &value) {
  // Signed, whatever T is: -1 is a number, out of bounds.
  using Wide =
      std::conditional_t<std::is_unsigned_v<T>, uint64_t,
                         std::conditional_t<std::is_integral_v<T>, int64_t, T>>;
  bool negative = std::is_unsigned_v<T> && text.starts_with("-");
  StringRef digits = text.drop_front(negative);
  Wide wide = 0;
  auto [end, code] = std::from_chars(digits.begin(), digits.end(), wide);
  bool outOfRange = code == std::errc::result_out_of_range;
  bool whole = std::is_integral_v<T>;
  if ((code != std::errc() && !outOfRange) || end != digits.end() ||
      (negative && digits.starts_with("-")) ||
      (!whole && !outOfRange && !std::isfinite(static_cast<double>(wide))))
    return (Twine("expected a ") + (whole ? "whole number, " : "number, ") +
            bounds.text() + ", found '" + text + "'")
        .str();
  value = static_cast<T>(wide);
  // -0 is 0; what another type than T cuts is not allowed.
  if (outOfRange || (negative && wide != 0) || Wide(value) != wide ||
      !bounds.allow(value))
    return ("expected " + bounds.text() + ", found " + text).str();
  return {};
}

template <typename T>
Number<T>::Number(cl::SubCommand &sub, StringRef name, StringRef description,
                  StringRef value, Bounds<T> bounds, T init)
    : cl::opt<T, false, cl::parser<ParsedNumber<T>>>(
          name, cl::desc(description), cl::value_desc(value), cl::init(init),
          cl::sub(sub), cl::cat(category())),
      help((description + "; " + bounds.text()).str()) {
  this->getParser().bounds = bounds;
  this->setDescription(help);
}

namespace marimba::driver {
#define MARIMBA_NUMBER(T)                                                      \
  template struct Bounds<T>;                                                   \
  template std::string parseNumber(StringRef, const Bounds<T> &, T &);         \
  template struct Number<T>;
MARIMBA_NUMBER(int)
MARIMBA_NUMBER(unsigned)
MARIMBA_NUMBER(int64_t)
MARIMBA_NUMBER(uint64_t)
MARIMBA_NUMBER(double)
#undef MARIMBA_NUMBER
} // namespace marimba::driver
