//===- Pattern.cpp - What Split and Replace look for ----------------------===//

#include "Pattern.h"

#include <algorithm>
#include <unicode/utf8.h>

namespace marimba::rt::text {

/// How much of a text is looked at where the whole takes too much memory, in
/// UTF-16 units.
static constexpr int32_t partLength = 1 << 14;

/// `expression` with `[\s]` for `\s`, and so on for the other classes of one
/// letter: the same to ICU, but only the repetition of a set in brackets takes
/// no memory for each character.
static std::string bracketClasses(std::string_view expression) {
  std::string result;
  int depth = 0;
  for (size_t i = 0; i < expression.size(); ++i) {
    char character = expression[i];
    bool isEscape = character == '\\' && i + 1 < expression.size();
    if (isEscape) {
      std::string escape{character, expression[++i]};
      bool isClass =
          std::string_view("sSdDwW").find(escape[1]) != std::string_view::npos;
      result += isClass && depth == 0 ? "[" + escape + "]" : escape;
      continue;
    }
    if (character == '[')
      ++depth;
    else if (character == ']' && depth > 0)
      --depth;
    result += character;
  }
  return result;
}

Pattern::Pattern(const Field &field) {
  if (std::optional<Field> string = field.find("String")) {
    literal = string->getString();
    if (literal.empty())
      string->fail("is empty, expected at least one character");
    return;
  }
  std::optional<Field> expression = field.find("Regex");
  if (!expression)
    field.fail("has neither a \"String\" nor a \"Regex\"");
  std::string_view text = expression->getString();
  std::string bracketed = bracketClasses(text);
  UErrorCode code = U_ZERO_ERROR;
  UParseError where;
  regex.reset(icu::RegexPattern::compile(
      icu::UnicodeString::fromUTF8(icu::StringPiece(bracketed)),
      UREGEX_UNIX_LINES, where, code));
  if (U_FAILURE(code))
    expression->fail("is " + quote(text) + ", which is not an expression of " +
                     "ICU: " + u_errorName(code) + " at character " +
                     std::to_string(where.offset) + " of " + quote(bracketed));
}

namespace {

/// Turns positions in UTF-16 into positions in bytes; for ascending ones.
class BytePositions {
public:
  explicit BytePositions(std::string_view text) : text(text) {}

  size_t at(int32_t unit) {
    while (units < unit) {
      auto lead = static_cast<uint8_t>(text[bytes]);
      bytes += 1 + U8_COUNT_TRAIL_BYTES_UNSAFE(lead);
      units += lead >= 0xF0 ? 2 : 1;
    }
    return bytes;
  }

private:
  std::string_view text;
  size_t bytes = 0;
  int32_t units = 0;
};

} // namespace

void Pattern::forEachRegexMatch(std::string_view text,
                                const MatchSink &sink) const {
  icu::UnicodeString units =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text));
  UErrorCode code = U_ZERO_ERROR;
  std::unique_ptr<icu::RegexMatcher> matcher(regex->matcher(units, code));
  if (U_FAILURE(code))
    throw std::bad_alloc();
  BytePositions positions(text);
  int32_t done = 0;
  auto giveMatch = [&] {
    int32_t start = matcher->start(code), end = matcher->end(code);
    if (start == end)
      return;
    size_t startByte = positions.at(start);
    sink(startByte, positions.at(end));
    done = end;
  };
  while (true) {
    bool found = matcher->find(code);
    if (U_SUCCESS(code)) {
      if (!found)
        return;
      giveMatch();
      continue;
    }
    // The stack of the match is full.
    code = U_ZERO_ERROR;
    int32_t before = done, end = std::min(done + partLength, units.length());
    matcher->region(done, end, code);
    if (matcher->find(code) && U_SUCCESS(code))
      giveMatch();
    if (done == before)
      done = end;
    code = U_ZERO_ERROR;
    matcher->region(done, units.length(), code);
  }
}

/// Gives each `literal` in `text` to `sink`.
template <typename SinkT>
static void forEachLiteral(std::string_view text, std::string_view literal,
                           const SinkT &sink) {
  for (size_t start = text.find(literal); start != text.npos;
       start = text.find(literal, start + literal.size()))
    sink(start, start + literal.size());
}

void Pattern::forEachMatch(std::string_view text, const MatchSink &sink) const {
  if (regex)
    forEachRegexMatch(text, sink);
  else
    forEachLiteral(text, literal, sink);
}

/// `text` with `content` in place of each match that `forEach` gives its sink.
template <typename ForEachT>
static std::string replaceMatches(std::string_view text,
                                  std::string_view content,
                                  const ForEachT &forEach) {
  std::string result;
  result.reserve(text.size());
  size_t done = 0;
  forEach([&](size_t start, size_t end) {
    result.append(text.substr(done, start - done)).append(content);
    done = end;
  });
  return result.append(text.substr(done));
}

std::string Pattern::replaceAll(std::string_view text,
                                std::string_view content) const {
  if (!regex)
    return marimba::rt::text::replaceAll(text, literal, content);
  return replaceMatches(
      text, content, [&](const auto &sink) { forEachRegexMatch(text, sink); });
}

std::string replaceAll(std::string_view text, std::string_view literal,
                       std::string_view content) {
  return replaceMatches(text, content, [&](const auto &sink) {
    forEachLiteral(text, literal, sink);
  });
}

} // namespace marimba::rt::text
