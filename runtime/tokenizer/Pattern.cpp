//===- Pattern.cpp - What Split and Replace look for ----------------------===//

#include "Pattern.h"

namespace marimba::rt::text {

Pattern::Pattern(const Field &field) {
  if (std::optional<Field> string = field.find("String")) {
    literal = string->getString();
    // It is everywhere.
    if (literal.empty())
      regex = std::make_unique<Regex>(literal);
    return;
  }
  std::optional<Field> expression = field.find("Regex");
  if (!expression)
    field.fail("has neither a \"String\" nor a \"Regex\"");
  digits = DigitGroups::find(expression->getString());
  if (!digits)
    regex = std::make_unique<Regex>(*expression);
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
    regex->forEachMatch(text, sink);
  else if (digits)
    digits->forEachMatch(text, sink);
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
  if (!regex && !digits)
    return marimba::rt::text::replaceAll(text, literal, content);
  return replaceMatches(text, content,
                        [&](const auto &sink) { forEachMatch(text, sink); });
}

std::string replaceAll(std::string_view text, std::string_view literal,
                       std::string_view content) {
  return replaceMatches(text, content, [&](const auto &sink) {
    forEachLiteral(text, literal, sink);
  });
}

} // namespace marimba::rt::text
