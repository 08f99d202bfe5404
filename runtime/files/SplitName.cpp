//===- SplitName.cpp - Names of files that are one together ---------------===//

#include "marimba/SplitName.h"

#include <algorithm>
#include <charconv>

namespace marimba::rt {

static constexpr std::string_view kOf = "-of-";

/// All of `digits` as a number from 1 on; nothing where it is something else.
static std::optional<uint32_t> positive(std::string_view digits) {
  uint32_t value = 0;
  const char *end = digits.data() + digits.size();
  auto [last, problem] = std::from_chars(digits.data(), end, value);
  if (problem != std::errc() || last != end || value == 0)
    return std::nullopt;
  return value;
}

static std::string padded(uint32_t number, size_t digits) {
  std::string text = std::to_string(number);
  return std::string(digits - std::min(digits, text.size()), '0') + text;
}

std::optional<SplitName> SplitName::parse(std::string_view name) {
  SplitName result;
  size_t of = name.rfind(kOf);
  if (of == std::string_view::npos)
    return std::nullopt;
  std::string_view rest = name.substr(of + kOf.size());
  std::string_view count = rest.substr(0, rest.find('.'));
  std::string_view before = name.substr(0, of);
  size_t dash = before.rfind('-');
  if (dash == std::string_view::npos || dash == 0)
    return std::nullopt;
  std::string_view number = before.substr(dash + 1);
  auto own = positive(number), all = positive(count);
  if (!own || !all || *own > *all)
    return std::nullopt;
  result.stem = before.substr(0, dash);
  result.number = *own;
  result.count = *all;
  result.extension = rest.substr(count.size());
  result.numberDigits = number.size();
  result.countDigits = count.size();
  return result;
}

std::string SplitName::of(uint32_t part) const {
  return stem + "-" + padded(part, numberDigits) + std::string(kOf) +
         padded(count, countDigits) + extension;
}

} // namespace marimba::rt
