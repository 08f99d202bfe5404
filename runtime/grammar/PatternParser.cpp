//===- PatternParser.cpp - The part of ECMA-262's expressions -------------===//

#include "PatternParser.h"
#include "TokenTrie.h"

#include "marimba/formats/Message.h"

#include <algorithm>

namespace marimba::rt::grammar {

namespace {

constexpr int kDeepestGroup = 50;
constexpr uint32_t kMostTimes = 1 << 16;

const std::vector<CodeRange> kDigits = {{'0', '9'}};
const std::vector<CodeRange> kWords = {
    {'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const std::vector<CodeRange> kSpaces = {{'\t', '\r'}, {' ', ' '}};
const std::vector<CodeRange> kAscii = {{'\t', '\n'}, {' ', '~'}};
const std::vector<CodeRange> kAll = {{0, kLastCodePoint}};
/// What `.` leaves out.
const std::vector<CodeRange> kLineEnds = {
    {'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

class Parser {
public:
  explicit Parser(std::string_view text) : text(text) {}

  std::optional<Pattern> run(std::string &message) {
    Pattern pattern;
    pattern.root = parseChoice(0);
    if (problem.empty() && at < text.size())
      fail("has ')' without '('");
    message = problem;
    return problem.empty() ? std::optional(std::move(pattern)) : std::nullopt;
  }

private:
  void fail(const std::string &what) {
    if (problem.empty())
      problem = what;
  }
  void failUnsupported(std::string_view what) {
    fail("has " + formats::quotedName(what) + ", which is not supported");
  }
  bool sees(std::string_view what) const {
    return text.substr(at).starts_with(what);
  }
  bool take(std::string_view what) {
    bool found = sees(what);
    if (found)
      at += what.size();
    return found;
  }

  static PatternNode characters(std::vector<CodeRange> ranges) {
    PatternNode node;
    node.kind = PatternNode::Kind::Characters;
    node.ranges = merged(std::move(ranges));
    return node;
  }
  /// Any characters, as they stand before and behind what is looked for.
  static PatternNode anything() {
    PatternNode node;
    node.kind = PatternNode::Kind::Repeat;
    node.least = 0;
    node.most = kUnbounded;
    node.parts.push_back(characters(kAll));
    return node;
  }

  PatternNode parseChoice(int depth) {
    PatternNode choice;
    choice.kind = PatternNode::Kind::Choice;
    do
      choice.parts.push_back(parseSequence(depth));
    while (problem.empty() && take("|"));
    return choice.parts.size() == 1 ? std::move(choice.parts[0]) : choice;
  }

  PatternNode parseSequence(int depth) {
    PatternNode sequence;
    // In a group an anchor may still be the beginning of all.
    bool isAnchored = depth == 0 && take("^");
    if (depth == 0 && !isAnchored)
      sequence.parts.push_back(anything());
    bool ends = false;
    while (problem.empty() && at < text.size() && !sees("|") && !sees(")")) {
      if (take("$")) {
        ends = depth == 0 && (at == text.size() || sees("|"));
        if (!ends)
          fail("has '$' before its end, supported: at the end of the whole "
               "expression or of its alternatives");
        break;
      }
      PatternNode part = parseAtom(depth);
      sequence.parts.push_back(parseTimes(std::move(part)));
    }
    if (depth == 0 && !ends)
      sequence.parts.push_back(anything());
    return sequence;
  }

  PatternNode parseAtom(int depth) {
    if (take("("))
      return parseGroup(depth);
    if (take("["))
      return parseClass();
    if (take("."))
      return characters(without(kAll, kLineEnds));
    if (take("\\"))
      return characters(parseEscape(false));
    if (take("^")) {
      fail("has '^' behind its beginning, supported: at the beginning of the "
           "whole expression or of its alternatives");
      return {};
    }
    if (sees("*") || sees("+") || sees("?") || sees("{")) {
      fail("has " + formats::quotedName(text.substr(at, 1)) +
           " behind nothing that it could repeat");
      return {};
    }
    char32_t point = parsePoint();
    return characters({{point, point}});
  }

  PatternNode parseGroup(int depth) {
    if (depth >= kDeepestGroup) {
      fail("nests deeper than " + std::to_string(kDeepestGroup) + " brackets");
      return {};
    }
    if (take("?")) {
      if (sees("<") && !sees("<=") && !sees("<!")) {
        size_t end = text.find('>', at);
        at = end == text.npos ? text.size() : end + 1;
      } else if (!take(":")) {
        failUnsupported("(?" + std::string(text.substr(at, 1)));
        return {};
      }
    }
    PatternNode group = parseChoice(depth + 1);
    if (problem.empty() && !take(")"))
      fail("lacks ')'");
    return group;
  }

  char32_t parsePoint() {
    // JSON has seen to it that it is UTF-8.
    auto first = static_cast<unsigned char>(text[at++]);
    int state = Utf8State::next(Utf8State::kBetween, first);
    char32_t point = first < 0x80   ? first
                     : first < 0xE0 ? first & 0x1F
                     : first < 0xF0 ? first & 0x0F
                                    : first & 0x07;
    while (state != Utf8State::kBetween && state != Utf8State::kWrong &&
           at < text.size()) {
      auto byte = static_cast<unsigned char>(text[at++]);
      state = Utf8State::next(state, byte);
      point = point << 6 | (byte & 0x3F);
    }
    return point;
  }

  std::optional<uint32_t> parseHex(size_t least, size_t most) {
    uint32_t value = 0;
    size_t digits = 0;
    for (; digits < most && at < text.size(); ++digits, ++at) {
      char c = text[at];
      if (c >= '0' && c <= '9')
        value = value * 16 + static_cast<uint32_t>(c - '0');
      else if (c >= 'a' && c <= 'f')
        value = value * 16 + static_cast<uint32_t>(c - 'a' + 10);
      else if (c >= 'A' && c <= 'F')
        value = value * 16 + static_cast<uint32_t>(c - 'A' + 10);
      else
        break;
    }
    if (digits >= least && value <= kLastCodePoint)
      return value;
    fail("has an escape without its hexadecimal digits");
    return std::nullopt;
  }

  /// Behind the backslash.
  std::vector<CodeRange> parseEscape(bool inClass) {
    if (at == text.size()) {
      fail("ends with '\\'");
      return {};
    }
    auto one = [](char32_t point) {
      return std::vector<CodeRange>{{point, point}};
    };
    char c = text[at++];
    switch (c) {
    case 'd':
      return kDigits;
    case 'w':
      return kWords;
    case 's':
      return kSpaces;
    // What else Unicode has belongs to these or not, by whom one asks.
    case 'D':
      return without(kAscii, kDigits);
    case 'W':
      return without(kAscii, kWords);
    case 'S':
      return without(kAscii, kSpaces);
    case 'n':
      return one('\n');
    case 'r':
      return one('\r');
    case 't':
      return one('\t');
    case 'f':
      return one('\f');
    case 'v':
      return one('\v');
    case '0':
      return one(0);
    case 'x':
      return one(parseHex(2, 2).value_or(0));
    case 'u':
      return parseUnicode();
    case 'b':
      if (inClass)
        return one('\b');
      break;
    default:
      bool isLetter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (c >= '1' && c <= '9');
      if (!isLetter && static_cast<unsigned char>(c) < 0x80)
        return one(static_cast<char32_t>(c));
    }
    failUnsupported("\\" + std::string(1, c));
    return {};
  }

  std::vector<CodeRange> parseUnicode() {
    if (take("{")) {
      char32_t point = parseHex(1, 6).value_or(0);
      if (problem.empty() && !take("}"))
        fail("has an escape without its '}'");
      return {{point, point}};
    }
    char32_t point = parseHex(4, 4).value_or(0);
    if (point >= 0xD800 && point < 0xDC00 && take("\\u")) {
      char32_t low = parseHex(4, 4).value_or(0);
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
      if (low < 0xDC00 || low > 0xDFFF)
        fail("has half of a surrogate pair");
    } else if (point >= 0xD800 && point < 0xE000) {
      fail("has half of a surrogate pair");
    }
    return {{point, point}};
  }

  PatternNode parseClass() {
    bool isNegated = take("^");
    std::vector<CodeRange> ranges;
    std::string classes;
    while (problem.empty() && !take("]")) {
      if (at >= text.size()) {
        fail("lacks ']'");
        break;
      }
      std::vector<CodeRange> first = parseMember(classes);
      bool isRange = sees("-") && at + 1 < text.size() && text[at + 1] != ']';
      if (!isRange || !problem.empty()) {
        ranges.insert(ranges.end(), first.begin(), first.end());
        continue;
      }
      ++at;
      std::vector<CodeRange> last = parseMember(classes);
      if (!problem.empty())
        break;
      bool areSingle = first.size() == 1 && last.size() == 1 &&
                       first[0].first == first[0].last &&
                       last[0].first == last[0].last;
      if (!areSingle || first[0].first > last[0].first)
        fail("has a class with a range that is none");
      else
        ranges.push_back({first[0].first, last[0].first});
    }
    // [\s\S]: everything.
    for (const char *pair : {"dD", "wW", "sS"})
      if (classes.find(pair[0]) != classes.npos &&
          classes.find(pair[1]) != classes.npos)
        ranges = kAll;
    if (!isNegated)
      return characters(std::move(ranges));
    // Of [^\w] other letters than ASCII's may be in or out.
    bool hasClass = !classes.empty();
    return characters(without(hasClass ? kAscii : kAll, std::move(ranges)));
  }

  std::vector<CodeRange> parseMember(std::string &classes) {
    if (at >= text.size()) {
      fail("lacks ']'");
      return {};
    }
    if (!take("\\")) {
      char32_t point = parsePoint();
      return {{point, point}};
    }
    if (at < text.size() &&
        std::string_view("dDwWsS").find(text[at]) != std::string_view::npos)
      classes += text[at];
    return parseEscape(true);
  }

  std::optional<uint32_t> parseNumber() {
    size_t begin = at;
    uint64_t value = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
      value = std::min<uint64_t>(value * 10 + uint64_t(text[at] - '0'),
                                 kMostTimes + uint64_t(1));
    if (at == begin)
      fail("has '{' without a number");
    if (value > kMostTimes)
      fail("repeats more than " + std::to_string(kMostTimes) + " times");
    return problem.empty() ? std::optional(static_cast<uint32_t>(value))
                           : std::nullopt;
  }

  PatternNode parseTimes(PatternNode part) {
    uint32_t least, most;
    if (take("*")) {
      least = 0;
      most = kUnbounded;
    } else if (take("+")) {
      least = 1;
      most = kUnbounded;
    } else if (take("?")) {
      least = 0;
      most = 1;
    } else if (take("{")) {
      least = most = parseNumber().value_or(0);
      if (problem.empty() && take(","))
        most = sees("}") ? kUnbounded : parseNumber().value_or(0);
      if (problem.empty() && !take("}"))
        fail("lacks '}'");
      if (least > most)
        fail("has a repetition that ends before it begins");
    } else {
      return part;
    }
    // Which one of several ways is tried first makes no difference.
    take("?");
    PatternNode repeat;
    repeat.kind = PatternNode::Kind::Repeat;
    repeat.least = least;
    repeat.most = most;
    repeat.parts.push_back(std::move(part));
    return repeat;
  }

  std::string_view text;
  size_t at = 0;
  std::string problem;
};

} // namespace

std::optional<Pattern> parsePattern(std::string_view text,
                                    std::string &problem) {
  return Parser(text).run(problem);
}

} // namespace marimba::rt::grammar
