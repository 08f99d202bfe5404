//===- PatternRules.h - Regular expressions of schemas ----------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_PATTERNRULES_H
#define MARIMBA_RUNTIME_GRAMMAR_PATTERNRULES_H

#include "JsonRules.h"

namespace marimba::rt::grammar {

/// What stands between the quotes of a text that an expression of ECMA-262 is
/// found in, of `least` to `most` characters. Empty with `problem` where the
/// expression has what is not supported.
std::optional<ExprId> textsWithPattern(std::string_view pattern, uint32_t least,
                                       std::optional<uint32_t> most,
                                       JsonRules &json, RuleSet &rules,
                                       std::string &problem);

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_PATTERNRULES_H
