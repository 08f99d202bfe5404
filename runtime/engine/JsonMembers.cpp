//===- JsonMembers.cpp - Members of JSON as they are written --------------===//

#include "marimba/JsonMembers.h"

#include "marimba/formats/JsonGuard.h"
#include "marimba/formats/JsonText.h"

#include <algorithm>
#include <charconv>

namespace marimba::rt {

static bool isDigit(char c) { return c >= '0' && c <= '9'; }
static bool isHexDigit(char c) {
  return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

namespace {

/// Walks over values by the grammar, without making anything of them.
class Scanner {
public:
  Scanner(std::string_view text, std::string &error)
      : text(text), error(error) {}

  bool skipValue(unsigned depth);
  bool skipString();
  void skipSpace() {
    while (at < text.size() &&
           std::string_view(" \t\r\n").find(text[at]) != text.npos)
      ++at;
  }
  bool take(char c) {
    if (at == text.size() || text[at] != c)
      return false;
    ++at;
    return true;
  }
  bool expect(char c) {
    return take(c) || fail(std::string("expected '") + c + "'");
  }
  bool fail(const std::string &what) {
    // The innermost says it.
    if (error.empty())
      error = "column " + std::to_string(at + 1) + ": not valid JSON: " + what;
    return false;
  }
  /// The items between `open` and `close`, each skipped by `item`.
  template <typename ItemT>
  bool skipList(char open, char close, const ItemT &item) {
    if (!expect(open))
      return false;
    skipSpace();
    if (take(close))
      return true;
    do {
      skipSpace();
      if (!item())
        return false;
      skipSpace();
    } while (take(','));
    return take(close) || fail(std::string("expected ',' or '") + close + "'");
  }
  /// A name, a colon and a value; `member(name, value)` hears of them.
  template <typename MemberT>
  bool skipMember(unsigned depth, const MemberT &member) {
    size_t name = at;
    if (!skipString())
      return false;
    size_t nameEnd = at;
    skipSpace();
    if (!expect(':'))
      return false;
    skipSpace();
    size_t value = at;
    if (!skipValue(depth))
      return false;
    member(text.substr(name, nameEnd - name), text.substr(value, at - value));
    return true;
  }

  bool atEnd() const { return at == text.size(); }

private:
  bool skipNumber();
  bool skipDigits();

  std::string_view text;
  std::string &error;
  size_t at = 0;
};

} // namespace

bool Scanner::skipString() {
  if (!expect('"'))
    return false;
  while (at < text.size() && text[at] != '"') {
    if (static_cast<unsigned char>(text[at]) < 0x20)
      return fail("a string has a control character");
    if (text[at++] != '\\')
      continue;
    if (take('u')) {
      for (unsigned i = 0; i < 4; ++i, ++at)
        if (at == text.size() || !isHexDigit(text[at]))
          return fail("expected four hexadecimal digits");
    } else if (at < text.size() &&
               std::string_view("\"\\/bfnrt").find(text[at]) != text.npos) {
      ++at;
    } else {
      return fail("no such escape");
    }
  }
  return expect('"');
}

bool Scanner::skipDigits() {
  size_t begin = at;
  while (at < text.size() && isDigit(text[at]))
    ++at;
  return at > begin || fail("expected a digit");
}

bool Scanner::skipNumber() {
  take('-');
  if (!take('0') && !skipDigits())
    return false;
  if (take('.') && !skipDigits())
    return false;
  if (take('e') || take('E')) {
    if (!take('+'))
      take('-');
    return skipDigits();
  }
  return true;
}

bool Scanner::skipValue(unsigned depth) {
  if (atEnd())
    return fail("expected a value");
  char first = text[at];
  if (first == '"')
    return skipString();
  if (first == '-' || isDigit(first))
    return skipNumber();
  if (first == '{' || first == '[') {
    if (depth == kDeepestJson)
      return fail("nests deeper than " + std::to_string(kDeepestJson) +
                  " levels");
    if (first == '[')
      return skipList('[', ']', [&] { return skipValue(depth + 1); });
    return skipList('{', '}', [&] {
      return skipMember(depth + 1, [](std::string_view, std::string_view) {});
    });
  }
  for (std::string_view word : {"true", "false", "null"})
    if (text.substr(at).starts_with(word)) {
      at += word.size();
      return true;
    }
  return fail("expected a value");
}

std::optional<JsonMembers> JsonMembers::parse(std::string_view text,
                                              std::string &error) {
  error.clear();
  JsonMembers result;
  Scanner scanner(text, error);
  auto member = [&](std::string_view name, std::string_view value) {
    result.members.push_back({readJsonString(name).value_or(""), value});
  };
  scanner.skipSpace();
  bool good = scanner.skipList(
      '{', '}', [&] { return scanner.skipMember(/*depth=*/1, member); });
  scanner.skipSpace();
  if (good && !scanner.atEnd())
    good = scanner.fail("expected nothing behind the object");
  if (!good)
    return std::nullopt;
  return result;
}

std::string_view JsonMembers::find(std::string_view name) const {
  auto found =
      std::find_if(members.rbegin(), members.rend(),
                   [&](const Member &member) { return member.name == name; });
  return found == members.rend() ? std::string_view() : found->value;
}

/// The code unit of an escape \uXXXX at the start of `text`; nothing elsewhere.
static std::optional<unsigned> readUnit(std::string_view text) {
  unsigned unit = 0;
  if (!text.starts_with("\\u") || text.size() < 6)
    return std::nullopt;
  auto [end, code] =
      std::from_chars(text.data() + 2, text.data() + 6, unit, 16);
  if (code != std::errc() || end != text.data() + 6)
    return std::nullopt;
  return unit;
}

/// Whether escapes of surrogates come in pairs.
static bool hasWholePairs(std::string_view written) {
  constexpr size_t escape = 6; // \uXXXX
  for (size_t at = 0; at < written.size();) {
    if (written[at] != '\\') {
      ++at;
      continue;
    }
    std::optional<unsigned> unit = readUnit(written.substr(at));
    at += unit ? escape : 2;
    if (!unit || *unit < 0xd800 || *unit > 0xdfff)
      continue;
    std::optional<unsigned> low = readUnit(written.substr(at));
    if (*unit > 0xdbff || !low || *low < 0xdc00 || *low > 0xdfff)
      return false;
    at += escape;
  }
  return true;
}

std::optional<std::string> readJsonString(std::string_view written) {
  if (!written.starts_with("\"") || !hasWholePairs(written))
    return std::nullopt;
  nlohmann::json value = tryParseJsonText(written);
  if (value.is_discarded())
    return std::nullopt;
  return value.is_string() ? value.get<std::string>() : std::string();
}

} // namespace marimba::rt
