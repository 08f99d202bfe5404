//===- Unicode.h - UTF-8 and character classes ------------------*- C++ -*-===//
//
// The little that tokenizers need of Unicode, by ICU.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_UNICODE_H
#define MARIMBA_RUNTIME_TOKENIZER_UNICODE_H

#include <string>
#include <string_view>

namespace marimba::rt::text {

/// Whether `bytes` are UTF-8.
bool isValidUtf8(std::string_view bytes);

/// Appends `bytes` to `out`, each maximal invalid part as one U+FFFD (as Rust's
/// String::from_utf8_lossy does).
void appendLossyUtf8(std::string_view bytes, std::string &out);

/// The character of `text` (valid UTF-8) at `position`, which it moves past it.
char32_t nextChar(std::string_view text, size_t &position);

/// The character of `text` (valid UTF-8) that ends at `position` > 0, which it
/// moves back to its start.
char32_t previousChar(std::string_view text, size_t &position);

/// U+FFFD, what stands for bytes that are no character.
constexpr std::string_view replacementChar = "\xEF\xBF\xBD";

/// Appends `character`, a Unicode scalar value, as UTF-8.
void appendChar(char32_t character, std::string &out);

/// \s: the property White_Space.
bool isSpace(char32_t character);
/// \p{L}.
bool isLetter(char32_t character);
/// \p{N}.
bool isNumber(char32_t character);
/// \d: a decimal digit.
bool isDecimalDigit(char32_t character);
/// \p{P} and the symbols of ASCII.
bool isPunctuation(char32_t character);
/// \w as Unicode's UTS #18 and Rust's regex define it.
bool isWordChar(char32_t character);

/// appendLossyUtf8() of bytes that come in pieces.
class LossyUtf8Stream {
public:
  /// Appends to `out` what the bytes up to now give for sure.
  void push(std::string_view bytes, std::string &out);
  /// Appends what is left; the object is then as new.
  void finish(std::string &out);

private:
  /// The start of an unfinished character: 3 bytes at most between calls.
  std::string pending;
};

/// Like LossyUtf8Stream, but each invalid byte gives one U+FFFD, as in
/// SentencePiece.
class ByteLossyUtf8Stream {
public:
  void push(std::string_view bytes, std::string &out);
  void finish(std::string &out);

private:
  std::string pending;
};

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_UNICODE_H
