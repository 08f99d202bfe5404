//===- Pattern.h - What Split and Replace look for --------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TEXT_PATTERN_H
#define MARIMBA_RUNTIME_TEXT_PATTERN_H

#include "Field.h"

#include <functional>
#include <unicode/regex.h>

namespace marimba::rt::text {

/// Where a match starts and ends, in bytes.
using MatchSink = std::function<void(size_t start, size_t end)>;

/// `text` with `content` in place of each `literal`, which is not empty.
std::string replaceAll(std::string_view text, std::string_view literal,
                       std::string_view content);

/// A string or a regular expression. Regular expressions are ICU's, without
/// `.` for any line end but '\n'; what tokenizer files have is the same in them
/// and in Oniguruma's, which the Hugging Face library uses.
class Pattern {
public:
  /// Reads {"String": STRING} or {"Regex": EXPRESSION}; throws FieldError.
  explicit Pattern(const Field &field);

  /// Gives the matches in `text`, left to right, to `sink`; empty ones are left
  /// out. A match that would take more memory than ICU's limit (repetitions of
  /// groups only) is looked for in a part of the text.
  void forEachMatch(std::string_view text, const MatchSink &sink) const;

  /// `text` with `content` in place of each match.
  std::string replaceAll(std::string_view text, std::string_view content) const;

private:
  void forEachRegexMatch(std::string_view text, const MatchSink &sink) const;

  std::string literal;
  std::unique_ptr<icu::RegexPattern> regex; ///< Null: `literal` counts.
};

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TEXT_PATTERN_H
