//===- Regex.h - Oniguruma's expressions ------------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_REGEX_H
#define MARIMBA_RUNTIME_TOKENIZER_REGEX_H

#include "Field.h"

#include <functional>

struct re_pattern_buffer;

namespace marimba::rt::text {

/// Where a match starts and ends, in bytes.
using MatchSink = std::function<void(size_t start, size_t end)>;

/// What an expression that takes too much time or memory on a text throws.
class RegexError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A regular expression of Oniguruma in its own syntax: what tokenizer files
/// have, because Hugging Face's library uses it. Immutable, so one object may
/// be used from several threads at once.
class Regex {
public:
  /// Compiles the string `field`; throws FieldError where it is none.
  explicit Regex(const Field &field);
  /// Compiles an expression of ours.
  explicit Regex(std::string_view expression);

  /// Gives the matches in `text` (valid UTF-8 of less than 2 GiB), left to
  /// right, to `sink`. They may be empty, but not right behind another. Throws
  /// RegexError where one takes more than the library of Hugging Face allows,
  /// or all take far longer than any real expression does. A match that would
  /// take hundreds of MiB is looked for in a part of the text.
  void forEachMatch(std::string_view text, const MatchSink &sink) const;

private:
  struct Free {
    void operator()(re_pattern_buffer *regex) const;
  };
  /// Returns what is wrong with the expression, nothing where it is right.
  std::string compile(std::string_view expression);

  std::string source;
  std::unique_ptr<re_pattern_buffer, Free> regex;
};

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_REGEX_H
