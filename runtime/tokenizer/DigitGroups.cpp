//===- DigitGroups.cpp - Groups of three digits from the right ------------===//

#include "DigitGroups.h"

#include "GgufExpressions.h"
#include "Unicode.h"

#include <vector>

namespace marimba::rt::text {

std::optional<DigitGroups> DigitGroups::find(std::string_view expression) {
  DigitGroups groups;
  if (expression == expressions::thousandsOfNumbers) {
    groups.isDigit = isNumber;
    return groups;
  }
  groups.isDigit = isDecimalDigit;
  groups.standsAlone = expression == expressions::thousands;
  groups.onlyCuts = expression == expressions::thousandsOfWords;
  if (groups.standsAlone || groups.onlyCuts)
    return groups;
  return std::nullopt;
}

void DigitGroups::forEachMatch(std::string_view text,
                               const MatchSink &sink) const {
  std::vector<size_t> starts; // of the digits of a number
  for (size_t i = 0; i < text.size();) {
    size_t start = i;
    char32_t character = nextChar(text, i);
    if (!isDigit(character))
      continue;
    starts.assign(1, start);
    size_t end = i;
    bool isFollowed = false;
    while (i < text.size()) {
      start = i;
      character = nextChar(text, i);
      if (!isDigit(character)) {
        // \w of Oniguruma has all numbers, but not the joiners.
        isFollowed =
            isNumber(character) || (isWordChar(character) &&
                                    character != 0x200C && character != 0x200D);
        break;
      }
      starts.push_back(start);
      end = i;
    }
    if (standsAlone && isFollowed)
      continue;
    size_t first = starts.size() % 3;
    if (onlyCuts) {
      for (size_t at = first; at < starts.size(); at += 3)
        sink(starts[at], starts[at]);
      continue;
    }
    for (size_t at = 0, next = first ? first : 3; at < starts.size();
         at = next, next += 3)
      sink(starts[at], next < starts.size() ? starts[next] : end);
  }
}

} // namespace marimba::rt::text
