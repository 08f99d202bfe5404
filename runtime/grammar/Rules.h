//===- Rules.h - Rules over bytes, as they are put together -----*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_RULES_H
#define MARIMBA_RUNTIME_GRAMMAR_RULES_H

#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace marimba::rt::grammar {

using ByteSet = std::bitset<256>;

/// Code points, both ends included.
struct CodeRange {
  char32_t first, last;
};

constexpr char32_t kLastCodePoint = 0x10FFFF;
/// Of a repetition that may go on for ever.
constexpr uint32_t kUnbounded = UINT32_MAX;

/// One token as a whole, by its text or its id.
struct TokenMatch {
  std::string text; // empty: `id` says which
  int32_t id = -1;
  /// Any token of text but this one.
  bool isNegated = false;
};

using ExprId = uint32_t;
using RuleId = uint32_t;

/// Rules and their expressions. Input is hostile: beyond kMostParts nothing is
/// added any more, and isTooLarge() says so.
class RuleSet {
public:
  static constexpr size_t kMostParts = size_t(1) << 21;

  enum class Kind : uint8_t {
    Never,    // matches nothing
    Empty,    // matches the empty text
    Bytes,    // one byte of a set
    Token,    // one token
    Sequence, // parts one after the other
    Choice,   // one of the parts
    Repeat,   // the part, `least` to `most` times
    Rule
  };
  struct Expr {
    Kind kind;
    /// Of the set, the token match or the rule.
    uint32_t index = 0;
    uint32_t firstPart = 0, partCount = 0;
    uint32_t least = 0, most = 0;
  };

  RuleSet();

  ExprId never() const { return 0; }
  ExprId empty() const { return 1; }
  ExprId bytes(const ByteSet &set);
  /// The bytes of `text`, one after the other.
  ExprId literal(std::string_view text);
  /// One character of `ranges`, in UTF-8. Surrogates are left out.
  ExprId characters(std::span<const CodeRange> ranges);
  ExprId token(TokenMatch match);
  ExprId sequence(std::span<const ExprId> parts);
  ExprId sequence(std::initializer_list<ExprId> parts) {
    return sequence(std::span<const ExprId>(parts.begin(), parts.size()));
  }
  ExprId choice(std::span<const ExprId> parts);
  ExprId choice(std::initializer_list<ExprId> parts) {
    return choice(std::span<const ExprId>(parts.begin(), parts.size()));
  }
  /// One of `texts`, which share their beginnings in the result.
  ExprId oneOf(std::vector<std::string> texts);
  ExprId repeat(ExprId part, uint32_t least, uint32_t most);
  ExprId optional(ExprId part) { return choice({part, empty()}); }
  ExprId rule(RuleId id);

  /// A rule whose body comes later: setBody().
  RuleId addRule(std::string name);
  RuleId addRule(std::string name, ExprId body);
  void setBody(RuleId id, ExprId body) { bodies[id] = body; }

  size_t ruleCount() const { return bodies.size(); }
  const std::string &ruleName(RuleId id) const { return names[id]; }
  ExprId body(RuleId id) const { return bodies[id]; }
  const Expr &expr(ExprId id) const { return exprs[id]; }
  std::span<const ExprId> parts(ExprId id) const {
    return std::span(allParts).subspan(exprs[id].firstPart,
                                       exprs[id].partCount);
  }
  const ByteSet &byteSet(uint32_t index) const { return sets[index]; }
  const std::vector<ByteSet> &byteSets() const { return sets; }
  const std::vector<TokenMatch> &tokens() const { return tokenMatches; }

  bool isTooLarge() const { return tooLarge; }

private:
  ExprId add(Expr expr, std::span<const ExprId> parts = {});
  ExprId oneOfSorted(std::span<const std::string> texts, size_t at);

  std::vector<Expr> exprs;
  std::vector<ExprId> allParts;
  std::vector<ByteSet> sets;
  std::unordered_map<ByteSet, ExprId> setExprs;
  std::vector<TokenMatch> tokenMatches;
  std::vector<std::string> names;
  std::vector<ExprId> bodies;
  bool tooLarge = false;
};

/// Sorted, without overlaps.
std::vector<CodeRange> merged(std::vector<CodeRange> ranges);
/// All code points that `ranges` lack.
std::vector<CodeRange> complement(std::vector<CodeRange> ranges);
/// Those of `a` that `b` lacks.
std::vector<CodeRange> without(std::vector<CodeRange> a,
                               std::vector<CodeRange> b);

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_RULES_H
