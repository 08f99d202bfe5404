//===- Pattern.h - What Split and Replace look for --------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_PATTERN_H
#define MARIMBA_RUNTIME_TOKENIZER_PATTERN_H

#include "DigitGroups.h"

namespace marimba::rt::text {

/// `text` with `content` in place of each `literal`, which is not empty.
std::string replaceAll(std::string_view text, std::string_view literal,
                       std::string_view content);

/// A string or a regular expression.
class Pattern {
public:
  /// Reads {"String": STRING} or {"Regex": EXPRESSION}; throws FieldError.
  explicit Pattern(const Field &field);

  /// Gives the matches in `text`, left to right, to `sink`. Those of an
  /// expression, or of the empty string, may be empty. Throws RegexError.
  void forEachMatch(std::string_view text, const MatchSink &sink) const;

  /// `text` with `content` in place of each match. Throws RegexError.
  std::string replaceAll(std::string_view text, std::string_view content) const;

private:
  std::string literal;
  std::optional<DigitGroups> digits;
  std::unique_ptr<Regex> regex; ///< Null: `digits` count, or `literal`.
};

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_PATTERN_H
