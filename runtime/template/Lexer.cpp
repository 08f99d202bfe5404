//===- Lexer.cpp - The tokens of a chat template --------------------------===//

#include "Lexer.h"
#include "Value.h"

#include "../tokenizer/Unicode.h"

#include <algorithm>
#include <charconv>

namespace marimba::rt::jinja {

using Kind = Token::Kind;

static bool isBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool isDigit(char c) { return c >= '0' && c <= '9'; }
static bool isNameChar(char c) {
  return isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         c == '_';
}

namespace {
class Lexer {
public:
  explicit Lexer(std::string_view source) : source(source) {}

  std::vector<Token> run();

private:
  /// The text up to the next delimiter, and what the delimiter opens.
  void readOutside();
  void readExpression(std::string_view closing, Kind end);
  void readToken();
  void readString(char quote);
  void readNumber();
  bool readBasedNumber();
  /// Past `}}`, `%}` or `#}` and what white space goes with it; `trimmed`:
  /// whether a line that ends there goes.
  void skipClosing(bool trimmed);
  void skipRaw();
  /// The size of `raw %}` up to its end, or 0.
  size_t rawSize() const;
  void addText(std::string_view text, size_t begin, char sign, bool block);
  void add(Kind kind, std::string text = {}) {
    tokens.push_back({kind, std::move(text), line});
  }
  void advance(size_t end) {
    line += static_cast<int>(
        std::count(source.begin() + static_cast<std::ptrdiff_t>(position),
                   source.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    position = end;
  }
  [[noreturn]] void fail(const std::string &what) const {
    throw Error(line, what);
  }

  std::string_view source;
  size_t position = 0;
  int line = 1;
  std::vector<Token> tokens;
};
} // namespace

std::vector<Token> tokenize(std::string_view source) {
  // As Jinja: one kind of line end, and none after the last line.
  std::string text;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n')
      continue;
    text += source[i] == '\r' ? '\n' : source[i];
  }
  if (text.ends_with('\n'))
    text.pop_back();
  return Lexer(text).run();
}

std::vector<Token> Lexer::run() {
  while (position < source.size())
    readOutside();
  add(Kind::End);
  return std::move(tokens);
}

/// Where the next delimiter opens.
static size_t findOpening(std::string_view source, size_t from) {
  for (;; ++from) {
    from = source.find('{', from);
    if (from == source.npos || from + 1 >= source.size())
      return source.npos;
    char next = source[from + 1];
    if (next == '{' || next == '%' || next == '#')
      return from;
  }
}

void Lexer::addText(std::string_view text, size_t begin, char sign,
                    bool block) {
  if (sign == '-') {
    while (!text.empty() && isBlank(text.back()))
      text.remove_suffix(1);
  } else if (sign != '+' && block) {
    // White space from the start of a line to a block goes.
    size_t start = text.rfind('\n') + 1;
    bool lineStarts = start > 0 || begin == 0 || source[begin - 1] == '\n';
    if (lineStarts &&
        std::all_of(text.begin() + static_cast<std::ptrdiff_t>(start),
                    text.end(), isBlank))
      text = text.substr(0, start);
  }
  if (!text.empty())
    add(Kind::Text, std::string(text));
}

void Lexer::readOutside() {
  size_t begin = position;
  size_t opening = findOpening(source, begin);
  if (opening == source.npos) {
    add(Kind::Text, std::string(source.substr(begin)));
    advance(source.size());
    return;
  }
  char what = source[opening + 1];
  char sign = opening + 2 < source.size() ? source[opening + 2] : ' ';
  bool hasSign = sign == '-' || sign == '+';
  addText(source.substr(begin, opening - begin), begin, sign, what != '{');
  advance(opening + 2 + hasSign);
  if (what == '#') {
    size_t end = source.find("#}", position);
    if (end == source.npos)
      fail("a comment has no end, expected #}");
    bool minus = end > position && source[end - 1] == '-';
    bool plus = end > position && source[end - 1] == '+';
    advance(minus || plus ? end - 1 : end);
    skipClosing(true);
    return;
  }
  if (size_t size = what == '%' ? rawSize() : 0) {
    advance(position + size);
    // The end of the line stays, as Jinja has it.
    skipClosing(false);
    return skipRaw();
  }
  add(what == '{' ? Kind::BeginPrint : Kind::BeginBlock);
  if (what == '{')
    readExpression("}}", Kind::EndPrint);
  else
    readExpression("%}", Kind::EndBlock);
}

void Lexer::skipClosing(bool trimmed) {
  char sign = source[position];
  bool hasSign = sign == '-' || sign == '+';
  size_t end = position + hasSign + 2;
  if (sign == '-')
    while (end < source.size() && isBlank(source[end]))
      ++end;
  else if (trimmed && sign != '+' && end < source.size() && source[end] == '\n')
    ++end;
  advance(end);
}

size_t Lexer::rawSize() const {
  size_t at = position;
  auto skipBlanks = [&] {
    while (at < source.size() && isBlank(source[at]))
      ++at;
  };
  skipBlanks();
  if (!source.substr(at).starts_with("raw"))
    return 0;
  at += 3;
  skipBlanks();
  std::string_view rest = source.substr(at);
  return rest.starts_with("%}") || rest.starts_with("-%}") ? at - position : 0;
}

void Lexer::skipRaw() {
  size_t begin = position;
  for (size_t at = begin;; ++at) {
    at = source.find("{%", at);
    if (at == source.npos)
      fail("a raw block has no end, expected endraw");
    size_t word = at + 2;
    char sign = word < source.size() ? source[word] : ' ';
    word += sign == '-' || sign == '+';
    while (word < source.size() && isBlank(source[word]))
      ++word;
    if (!source.substr(word).starts_with("endraw"))
      continue;
    word += std::string_view("endraw").size();
    while (word < source.size() && isBlank(source[word]))
      ++word;
    std::string_view rest = source.substr(word);
    if (!rest.starts_with("%}") && !rest.starts_with("-%}") &&
        !rest.starts_with("+%}"))
      continue;
    addText(source.substr(begin, at - begin), begin, sign, true);
    advance(word);
    skipClosing(true);
    return;
  }
}

void Lexer::readExpression(std::string_view closing, Kind end) {
  int start = line;
  std::string brackets; // the open ones, as they close
  for (;;) {
    while (position < source.size() && isBlank(source[position]))
      advance(position + 1);
    std::string_view rest = source.substr(position);
    if (rest.empty())
      throw Error(start,
                  "a block has no end, expected " + std::string(closing));
    bool sign = rest[0] == '-' || rest[0] == '+';
    // A dictionary may end in front of }}.
    if (brackets.empty() && rest.substr(sign).starts_with(closing)) {
      add(end);
      skipClosing(end == Kind::EndBlock);
      return;
    }
    char c = rest[0];
    if (c == '(' || c == '[' || c == '{')
      brackets += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (c == ')' || c == ']' || c == '}') {
      if (brackets.empty() || brackets.back() != c)
        fail(std::string("unexpected '") + c + "'");
      brackets.pop_back();
    }
    readToken();
  }
}

void Lexer::readToken() {
  std::string_view rest = source.substr(position);
  char c = rest[0];
  if (c == '"' || c == '\'')
    return readString(c);
  if (isDigit(c))
    return readNumber();
  if (isNameChar(c)) {
    size_t size = 0;
    while (size < rest.size() && isNameChar(rest[size]))
      ++size;
    add(Kind::Name, std::string(rest.substr(0, size)));
    return advance(position + size);
  }
  for (std::string_view op :
       {"//", "**", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<",
        ">",  "=",  "(",  ")",  "[",  "]",  "{", "}", ",", ".", ":", "|"})
    if (rest.starts_with(op)) {
      add(Kind::Operator, std::string(op));
      return advance(position + op.size());
    }
  size_t end = 0;
  text::nextChar(rest, end);
  fail("unexpected character '" + std::string(rest.substr(0, end)) + "'");
}

/// 0x1f, 0o17 or 0b101.
bool Lexer::readBasedNumber() {
  std::string_view rest = source.substr(position);
  if (rest.size() < 3 || rest[0] != '0')
    return false;
  char sign = static_cast<char>(rest[1] | 0x20);
  int base = sign == 'x' ? 16 : sign == 'o' ? 8 : sign == 'b' ? 2 : 0;
  Token token = {Kind::Int, "", line};
  const char *begin = rest.data() + 2, *end = rest.data() + rest.size();
  if (base == 0 || *begin == '-')
    return false;
  auto [stop, code] = std::from_chars(begin, end, token.integer, base);
  if (code != std::errc())
    return false;
  tokens.push_back(std::move(token));
  advance(static_cast<size_t>(stop - source.data()));
  return true;
}

void Lexer::readNumber() {
  if (readBasedNumber())
    return;
  std::string digits;
  bool fraction = false;
  size_t at = position;
  auto take = [&] {
    for (; at < source.size() && (isDigit(source[at]) || source[at] == '_');
         ++at)
      if (source[at] != '_')
        digits += source[at];
  };
  take();
  if (at + 1 < source.size() && source[at] == '.' && isDigit(source[at + 1])) {
    fraction = true;
    digits += source[at++];
    take();
  }
  size_t exponent = at + 1;
  if (at < source.size() && (source[at] == 'e' || source[at] == 'E')) {
    exponent += exponent < source.size() &&
                (source[exponent] == '-' || source[exponent] == '+');
    if (exponent < source.size() && isDigit(source[exponent])) {
      fraction = true;
      digits += 'e';
      if (source[exponent - 1] == '-')
        digits += '-';
      at = exponent;
      take();
    }
  }
  Token token = {fraction ? Kind::Float : Kind::Int, digits, line};
  const char *end = digits.data() + digits.size();
  auto [stop, code] = fraction
                          ? std::from_chars(digits.data(), end, token.number)
                          : std::from_chars(digits.data(), end, token.integer);
  if (code != std::errc() || stop != end)
    fail("the number " + digits + " is out of range");
  tokens.push_back(std::move(token));
  advance(at);
}

/// The value of `count` hexadecimal digits at `at`, or -1.
static int64_t hexValue(std::string_view text, size_t at, size_t count) {
  uint32_t value = 0;
  if (at + count > text.size())
    return -1;
  const char *end = text.data() + at + count;
  auto [stop, code] = std::from_chars(text.data() + at, end, value, 16);
  return code == std::errc() && stop == end ? int64_t(value) : -1;
}

void Lexer::readString(char quote) {
  std::string value;
  size_t at = position + 1;
  for (; at < source.size() && source[at] != quote; ++at) {
    if (source[at] != '\\' || at + 1 == source.size()) {
      value += source[at];
      continue;
    }
    char c = source[++at];
    constexpr std::string_view escapes = "\\\"'abfnrtv";
    constexpr std::string_view meanings("\\\"'\a\b\f\n\r\t\v");
    size_t known = escapes.find(c);
    size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    int64_t code = digits ? hexValue(source, at + 1, digits) : -1;
    if (known != escapes.npos) {
      value += meanings[known];
    } else if (c >= '0' && c <= '7') {
      // Up to three octal digits.
      char32_t octal = static_cast<char32_t>(c - '0');
      for (int i = 0; i < 2 && at + 1 < source.size() &&
                      source[at + 1] >= '0' && source[at + 1] <= '7';
           ++i)
        octal = octal * 8 + static_cast<char32_t>(source[++at] - '0');
      text::appendChar(octal, value);
    } else if (digits) {
      if (code < 0 || code > 0x10ffff)
        fail(std::string("a string has \\") + c + " without " +
             std::to_string(digits) + " hexadecimal digits of a character");
      bool surrogate = code >= 0xd800 && code < 0xe000;
      text::appendChar(surrogate ? U'\ufffd' : static_cast<char32_t>(code),
                       value);
      at += digits;
    } else if (c != '\n') { // a line that goes on
      (value += '\\') += c;
    }
  }
  if (at >= source.size())
    fail("a string has no end");
  add(Kind::String, std::move(value));
  advance(at + 1);
}

} // namespace marimba::rt::jinja
