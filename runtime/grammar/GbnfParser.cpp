//===- GbnfParser.cpp - The text of a grammar -----------------------------===//
//
// The syntax is that of llama.cpp's grammars/README.md.
//
//===----------------------------------------------------------------------===//

#include "GbnfParser.h"
#include "TokenTrie.h"

#include "marimba/formats/Message.h"

#include <algorithm>

namespace marimba::rt::grammar {

using formats::quotedName;

namespace {

constexpr int kDeepestGroup = 100;
constexpr size_t kMostRules = 10000;
constexpr uint32_t kMostTimes = 1 << 24;

bool isNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class Parser {
public:
  Parser(std::string_view text, std::string_view file, RuleSet &rules,
         const std::map<std::string, RuleId, std::less<>> &known)
      : text(text), file(file), rules(rules), known(known) {}

  std::optional<RuleId> run(std::string &message) {
    skipSpace(true);
    while (error.empty() && at < text.size()) {
      parseRule();
      skipSpace(true);
    }
    auto root = named.find("root");
    if (error.empty() && root == named.end())
      fail("has no rule 'root'");
    for (const auto &[name, rule] : named)
      if (error.empty() && !rule.isDefined) {
        at = rule.firstUse;
        fail("rule " + quotedName(name) + " is used, but not defined");
      }
    message = error;
    return error.empty() ? std::optional(root->second.id) : std::nullopt;
  }

private:
  struct NamedRule {
    RuleId id;
    bool isDefined;
    size_t firstUse;
  };

  ExprId fail(const std::string &problem) {
    if (error.empty()) {
      size_t line =
          1 +
          static_cast<size_t>(std::count(
              text.begin(),
              text.begin() + static_cast<ptrdiff_t>(std::min(at, text.size())),
              '\n'));
      error = std::string(file) + ":" + std::to_string(line) + ": " + problem;
    }
    return rules.never();
  }
  ExprId failExpected(std::string_view what) {
    std::string found = at < text.size() ? quotedName(text.substr(at, 12))
                                         : std::string("the end of the text");
    return fail("found " + found + ", expected " + std::string(what));
  }

  bool sees(std::string_view what) const {
    return text.substr(at).starts_with(what);
  }
  bool take(std::string_view what) {
    if (!sees(what))
      return false;
    at += what.size();
    return true;
  }

  /// Spaces and comments; ends of lines, too, where `lines`.
  void skipSpace(bool lines) {
    while (at < text.size()) {
      char c = text[at];
      if (c == '#')
        while (at < text.size() && text[at] != '\n' && text[at] != '\r')
          ++at;
      else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r')))
        ++at;
      else
        return;
    }
  }

  std::string_view parseName() {
    size_t begin = at;
    while (at < text.size() && isNameCharacter(text[at]))
      ++at;
    if (at == begin)
      failExpected("a name");
    return text.substr(begin, at - begin);
  }

  NamedRule *find(std::string_view name) {
    auto found = named.find(name);
    if (found != named.end())
      return &found->second;
    if (named.size() >= kMostRules) {
      fail("has more than " + std::to_string(kMostRules) + " rules");
      return nullptr;
    }
    auto other = known.find(name);
    NamedRule rule{0, other != known.end(), at};
    rule.id = rule.isDefined ? other->second : rules.addRule(std::string(name));
    return &named.emplace(std::string(name), rule).first->second;
  }

  void parseRule() {
    size_t begin = at;
    std::string_view name = parseName();
    if (!error.empty())
      return;
    skipSpace(false);
    if (!take("::=")) {
      failExpected("::= behind the name of a rule");
      return;
    }
    NamedRule *rule = find(name);
    if (!rule)
      return;
    if (rule->isDefined) {
      at = begin;
      fail("rule " + quotedName(name) + " is defined twice");
      return;
    }
    rule->isDefined = true;
    skipSpace(true);
    ExprId body = parseAlternatives(0);
    rules.setBody(rule->id, body);
    if (error.empty() && at < text.size() && text[at] != '\n' &&
        text[at] != '\r')
      failExpected("the end of the line");
  }

  ExprId parseAlternatives(int depth) {
    std::vector<ExprId> ways = {parseSequence(depth)};
    while (error.empty() && take("|")) {
      skipSpace(true);
      ways.push_back(parseSequence(depth));
    }
    return rules.choice(ways);
  }

  ExprId parseSequence(int depth) {
    std::vector<ExprId> parts;
    while (error.empty() && at < text.size()) {
      char c = text[at];
      if (c == '\n' || c == '\r' || c == '|' || c == ')')
        break;
      ExprId part = parseSymbol(depth);
      skipSpace(depth > 0);
      parts.push_back(parseTimes(part, depth));
    }
    return rules.sequence(parts);
  }

  ExprId parseSymbol(int depth) {
    if (take("\""))
      return parseLiteral();
    if (take("["))
      return parseClass();
    if (take("."))
      return rules.characters({{{0, kLastCodePoint}}});
    if (sees("<") || sees("!"))
      return parseToken();
    if (take("(")) {
      if (depth >= kDeepestGroup)
        return fail("nests deeper than " + std::to_string(kDeepestGroup) +
                    " brackets");
      skipSpace(true);
      ExprId group = parseAlternatives(depth + 1);
      if (error.empty() && !take(")"))
        return failExpected("')'");
      return group;
    }
    if (!isNameCharacter(text[at]))
      return failExpected("a literal, a class, a name, '.' or '('");
    NamedRule *rule = find(parseName());
    return rule ? rules.rule(rule->id) : rules.never();
  }

  ExprId parseLiteral() {
    std::string literal;
    while (error.empty() && !take("\"")) {
      if (at >= text.size() || text[at] == '\n')
        return failExpected("'\"' at the end of a literal");
      if (text[at] != '\\') {
        literal += text[at++];
        continue;
      }
      appendPoint(parseEscape(), literal);
    }
    return rules.literal(literal);
  }

  static void appendPoint(char32_t point, std::string &to) {
    auto add = [&](char32_t byte) { to += static_cast<char>(byte); };
    if (point < 0x80) {
      add(point);
    } else if (point < 0x800) {
      add(0xC0 | point >> 6);
      add(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
      add(0xE0 | point >> 12);
      add(0x80 | (point >> 6 & 0x3F));
      add(0x80 | (point & 0x3F));
    } else {
      add(0xF0 | point >> 18);
      add(0x80 | (point >> 12 & 0x3F));
      add(0x80 | (point >> 6 & 0x3F));
      add(0x80 | (point & 0x3F));
    }
  }

  char32_t parseEscape() {
    ++at;
    char c = at < text.size() ? text[at++] : '\0';
    switch (c) {
    case 'x':
      return parseHex(2);
    case 'u':
      return parseHex(4);
    case 'U':
      return parseHex(8);
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'n':
      return '\n';
    case '\\':
    case '"':
    case '[':
    case ']':
    case '-':
    case '^':
      return static_cast<char32_t>(c);
    default:
      --at;
      fail("found " + quotedName(text.substr(at, 1)) +
           " behind '\\', expected one of x u U t r n \\ \" [ ] - ^");
      return 0;
    }
  }

  char32_t parseHex(int digits) {
    uint64_t value = 0;
    for (int i = 0; i < digits; ++i, ++at) {
      char c = at < text.size() ? text[at] : '\0';
      int digit = c >= '0' && c <= '9'   ? c - '0'
                  : c >= 'a' && c <= 'f' ? c - 'a' + 10
                  : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                         : -1;
      if (digit < 0) {
        failExpected(std::to_string(digits) + " hexadecimal digits");
        return 0;
      }
      value = value * 16 + static_cast<uint64_t>(digit);
    }
    if (value > kLastCodePoint || (value >= 0xD800 && value < 0xE000)) {
      fail("has an escape of no Unicode character");
      return 0;
    }
    return static_cast<char32_t>(value);
  }

  /// One character of a class.
  char32_t parsePoint() {
    if (text[at] == '\\')
      return parseEscape();
    int state = Utf8State::kBetween;
    char32_t point = 0;
    size_t begin = at;
    do {
      auto byte = static_cast<unsigned char>(text[at++]);
      state = Utf8State::next(state, byte);
      bool isFirst = at == begin + 1;
      point = !isFirst      ? (point << 6 | (byte & 0x3F))
              : byte < 0x80 ? byte
              : byte < 0xE0 ? byte & 0x1F
              : byte < 0xF0 ? byte & 0x0F
                            : byte & 0x07;
      if (state == Utf8State::kWrong) {
        at = begin;
        fail("is not UTF-8");
        return 0;
      }
    } while (state != Utf8State::kBetween && at < text.size());
    return point;
  }

  ExprId parseClass() {
    bool isNegated = take("^");
    std::vector<CodeRange> ranges;
    while (error.empty() && !take("]")) {
      if (at >= text.size() || text[at] == '\n')
        return failExpected("']' at the end of a class");
      char32_t first = parsePoint(), last = first;
      if (sees("-") && at + 1 < text.size() && text[at + 1] != ']') {
        ++at;
        last = parsePoint();
      }
      if (error.empty() && first > last)
        return fail("has a class whose range ends before it begins");
      ranges.push_back({first, last});
    }
    if (isNegated)
      ranges = complement(std::move(ranges));
    return rules.characters(ranges);
  }

  ExprId parseToken() {
    TokenMatch match;
    match.isNegated = take("!");
    if (!take("<"))
      return failExpected("'<' behind '!'");
    size_t end = text.substr(0, text.find('\n', at)).find('>', at);
    if (end == text.npos)
      return failExpected("'>' at the end of a token");
    std::string_view inside = text.substr(at, end - at);
    at = end + 1;
    if (inside.starts_with('[') && inside.ends_with(']')) {
      inside = inside.substr(1, inside.size() - 2);
      bool isNumber = !inside.empty() && inside.size() < 10 &&
                      inside.find_first_not_of("0123456789") == inside.npos;
      if (!isNumber)
        return fail("has a token " + quotedName(inside) + ", expected an id");
      match.id = 0;
      for (char c : inside)
        match.id = match.id * 10 + (c - '0');
    } else {
      match.text = "<" + std::string(inside) + ">";
    }
    return rules.token(std::move(match));
  }

  std::optional<uint32_t> parseNumber() {
    size_t begin = at;
    uint64_t value = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
      value = std::min<uint64_t>(value * 10 + uint64_t(text[at] - '0'),
                                 uint64_t(kMostTimes) + 1);
    if (at == begin) {
      failExpected("a number");
      return std::nullopt;
    }
    if (value > kMostTimes) {
      fail("repeats more than " + std::to_string(kMostTimes) + " times");
      return std::nullopt;
    }
    return static_cast<uint32_t>(value);
  }

  ExprId parseTimes(ExprId part, int depth) {
    for (int times = 0; error.empty(); ++times) {
      if (times > 8)
        return fail("has too many of * + ? {} behind each other");
      if (take("*"))
        part = rules.repeat(part, 0, kUnbounded);
      else if (take("+"))
        part = rules.repeat(part, 1, kUnbounded);
      else if (take("?"))
        part = rules.optional(part);
      else if (take("{"))
        part = parseBraces(part);
      else
        return part;
      skipSpace(depth > 0);
    }
    return part;
  }

  ExprId parseBraces(ExprId part) {
    skipSpace(false);
    std::optional<uint32_t> least = 0, most;
    if (!sees(","))
      least = most = parseNumber();
    skipSpace(false);
    if (error.empty() && take(",")) {
      skipSpace(false);
      most = sees("}") ? kUnbounded : parseNumber();
      skipSpace(false);
    }
    if (error.empty() && !take("}"))
      return failExpected("'}'");
    if (!error.empty())
      return rules.never();
    if (*least > *most)
      return fail("has a repetition {" + std::to_string(*least) + "," +
                  std::to_string(*most) + "} that ends before it begins");
    return rules.repeat(part, *least, *most);
  }

  std::string_view text, file;
  RuleSet &rules;
  const std::map<std::string, RuleId, std::less<>> &known;
  std::map<std::string, NamedRule, std::less<>> named;
  size_t at = 0;
  std::string error;
};

} // namespace

std::optional<RuleId>
parseGbnf(std::string_view text, std::string_view name, RuleSet &rules,
          const std::map<std::string, RuleId, std::less<>> &known,
          std::string &error) {
  if (text.size() > kLargestText) {
    error = std::string(name) + ": has " + std::to_string(text.size()) +
            " bytes, supported: " + std::to_string(kLargestText);
    return std::nullopt;
  }
  return Parser(text, name, rules, known).run(error);
}

} // namespace marimba::rt::grammar
