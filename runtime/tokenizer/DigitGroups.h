//===- DigitGroups.h - Groups of three digits from the right ----*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_DIGITGROUPS_H
#define MARIMBA_RUNTIME_TOKENIZER_DIGITGROUPS_H

#include "Regex.h"

#include <optional>

namespace marimba::rt::text {

/// The matches of an expression that cuts 1234567 into 1, 234 and 567, which
/// looks ahead to the end of the number at each of its digits: time in the
/// square of the number's length. This takes one look at each digit.
class DigitGroups {
public:
  /// Nothing where `expression` is none of those that are known.
  static std::optional<DigitGroups> find(std::string_view expression);

  /// As Regex::forEachMatch(), and as Oniguruma would give them.
  void forEachMatch(std::string_view text, const MatchSink &sink) const;

private:
  bool (*isDigit)(char32_t) = nullptr;
  /// A number that another word character follows is not cut.
  bool standsAlone = false;
  /// The matches are the cuts, empty, not the groups.
  bool onlyCuts = false;
};

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_DIGITGROUPS_H
