//===- Characters.cpp - Code points as bytes of UTF-8 ---------------------===//

#include "Rules.h"

#include <algorithm>
#include <array>

namespace marimba::rt::grammar {

namespace {

using Encoded = std::array<unsigned char, 4>;

size_t lengthOf(char32_t point) {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

Encoded encode(char32_t point) {
  size_t length = lengthOf(point);
  Encoded bytes{};
  for (size_t i = length; i-- > 1;) {
    bytes[i] = static_cast<unsigned char>(0x80 | (point & 0x3F));
    point >>= 6;
  }
  constexpr unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
  bytes[0] = static_cast<unsigned char>(leads[length] | point);
  return bytes;
}

ByteSet span(unsigned first, unsigned last) {
  ByteSet set;
  for (unsigned byte = first; byte <= last; ++byte)
    set.set(byte);
  return set;
}

/// Characters between two of the same length whose bytes from `at` on differ.
class RangeRules {
public:
  RangeRules(RuleSet &rules, size_t length) : rules(rules), length(length) {}

  ExprId between(const Encoded &low, const Encoded &high, size_t at) {
    if (at + 1 == length)
      return rules.bytes(span(low[at], high[at]));
    if (low[at] == high[at])
      return rules.sequence(
          {rules.bytes(span(low[at], low[at])), between(low, high, at + 1)});
    // The first byte, those between, the last: whole ones go together.
    unsigned first = low[at], last = high[at];
    std::vector<ExprId> ways;
    if (!isAll(low, at + 1, 0x80)) {
      ways.push_back(rules.sequence({rules.bytes(span(first, first)),
                                     between(low, filled(0xBF), at + 1)}));
      ++first;
    }
    if (!isAll(high, at + 1, 0xBF)) {
      ways.push_back(rules.sequence({rules.bytes(span(last, last)),
                                     between(filled(0x80), high, at + 1)}));
      --last;
    }
    if (first <= last)
      ways.push_back(
          rules.sequence({rules.bytes(span(first, last)),
                          between(filled(0x80), filled(0xBF), at + 1)}));
    return rules.choice(ways);
  }

private:
  bool isAll(const Encoded &bytes, size_t at, unsigned char value) const {
    return std::all_of(bytes.begin() + at, bytes.begin() + length,
                       [&](unsigned char byte) { return byte == value; });
  }
  static Encoded filled(unsigned char value) {
    Encoded bytes;
    bytes.fill(value);
    return bytes;
  }

  RuleSet &rules;
  size_t length;
};

} // namespace

std::vector<CodeRange> merged(std::vector<CodeRange> ranges) {
  std::erase_if(
      ranges, [](const CodeRange &range) { return range.first > range.last; });
  std::sort(
      ranges.begin(), ranges.end(),
      [](const CodeRange &a, const CodeRange &b) { return a.first < b.first; });
  std::vector<CodeRange> result;
  for (const CodeRange &range : ranges) {
    if (!result.empty() && range.first <= result.back().last + 1)
      result.back().last = std::max(result.back().last, range.last);
    else
      result.push_back(range);
  }
  return result;
}

std::vector<CodeRange> complement(std::vector<CodeRange> ranges) {
  std::vector<CodeRange> result;
  char32_t next = 0;
  for (const CodeRange &range : merged(std::move(ranges))) {
    if (next < range.first)
      result.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCodePoint)
    result.push_back({next, kLastCodePoint});
  return result;
}

std::vector<CodeRange> without(std::vector<CodeRange> a,
                               std::vector<CodeRange> b) {
  // a - b = not (not a or b)
  std::vector<CodeRange> rest = complement(std::move(a));
  rest.insert(rest.end(), b.begin(), b.end());
  return complement(std::move(rest));
}

ExprId RuleSet::characters(std::span<const CodeRange> given) {
  constexpr CodeRange surrogates{0xD800, 0xDFFF};
  std::vector<CodeRange> ranges =
      without(std::vector<CodeRange>(given.begin(), given.end()), {surrogates});
  constexpr char32_t lasts[] = {0x7F, 0x7FF, 0xFFFF, kLastCodePoint};
  std::vector<ExprId> ways;
  for (CodeRange range : ranges) {
    for (size_t i = 0; i < std::size(lasts) && range.first <= range.last; ++i) {
      char32_t last = std::min(range.last, lasts[i]);
      if (range.first > last)
        continue;
      ways.push_back(RangeRules(*this, i + 1)
                         .between(encode(range.first), encode(last), 0));
      range.first = last + 1;
    }
  }
  return choice(ways);
}

} // namespace marimba::rt::grammar
