//===- GbnfParser.h - The text of a grammar ---------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_GBNFPARSER_H
#define MARIMBA_RUNTIME_GRAMMAR_GBNFPARSER_H

#include "Rules.h"

#include <map>
#include <optional>

namespace marimba::rt::grammar {

constexpr size_t kLargestText = size_t(1) << 20;

/// Adds the rules of `text` to `rules`; `known` are others that it may use.
/// The rule `root`, or nothing and `error`: "NAME:LINE: ...".
std::optional<RuleId>
parseGbnf(std::string_view text, std::string_view name, RuleSet &rules,
          const std::map<std::string, RuleId, std::less<>> &known,
          std::string &error);

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_GBNFPARSER_H
