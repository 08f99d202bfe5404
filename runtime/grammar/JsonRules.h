//===- JsonRules.h - JSON as rules ------------------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_JSONRULES_H
#define MARIMBA_RUNTIME_GRAMMAR_JSONRULES_H

#include "Rules.h"

#include "marimba/Grammar.h"

#include <map>
#include <optional>

namespace marimba::rt::grammar {

/// Digits of a whole number, and of what stands behind the point: a double
/// tells all of these apart.
constexpr int kMostDigits = 15;

/// Whether SchemaOptions are within their bounds; else what is wrong.
std::string checkSchemaOptions(const SchemaOptions &options);

/// The parts of JSON. Each is made once.
class JsonRules {
public:
  JsonRules(RuleSet &rules, const SchemaOptions &options);

  /// White space: none, a space, or a new line and what indents it.
  ExprId space() const { return rules.rule(spaceRule); }
  /// One character of a text, as it is or by an escape.
  ExprId character() const { return rules.rule(characterRule); }
  /// A character of `ranges`, as it stands in a text.
  ExprId characters(const std::vector<CodeRange> &ranges);
  /// A text of `least` to `most` characters; without `most` the options say.
  ExprId text(uint32_t least = 0, std::optional<uint32_t> most = {});
  ExprId quoted(ExprId inside);
  ExprId number() const { return rules.rule(numberRule); }
  ExprId integer() const { return rules.rule(integerRule); }
  ExprId boolean();
  ExprId null();
  /// Any value of at most `depth` objects and lists inside each other.
  ExprId value(int depth);
  ExprId object(int depth);
  ExprId array(int depth);
  /// `name: value`; `name` is the whole text with its quotes.
  ExprId member(ExprId name, ExprId value);
  /// `open`, `least` to `most` of `item` with commas between, `close`.
  ExprId list(char open, ExprId item, uint32_t least, uint32_t most,
              char close);
  ExprId comma();

  uint32_t mostItems() const { return static_cast<uint32_t>(options.maxItems); }
  uint32_t mostCharacters() const {
    return static_cast<uint32_t>(options.maxStringLength);
  }

private:
  RuleSet &rules;
  SchemaOptions options;
  RuleId spaceRule, characterRule, integerRule, numberRule;
  std::optional<RuleId> anyText;
  /// By depth.
  std::map<int, RuleId> values, objects, arrays;
};

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_JSONRULES_H
