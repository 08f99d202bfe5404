//===- SchemaRules.h - JSON schemas as rules --------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_SCHEMARULES_H
#define MARIMBA_RUNTIME_GRAMMAR_SCHEMARULES_H

#include "Rules.h"

#include "marimba/Grammar.h"

#include <optional>

namespace marimba::rt::grammar {

/// Adds rules for the JSON that fits `schema`. Nothing, and `error` ("NAME:
/// WHERE: ..."), where a part of it is not supported or wrong.
std::optional<RuleId> addSchemaRules(std::string_view schema,
                                     const SchemaOptions &options,
                                     std::string_view name, RuleSet &rules,
                                     std::string &error);

/// Adds a rule for valid UTF-8 that ends with `end` and has it nowhere before.
RuleId addTextUntilRule(std::string_view end, RuleSet &rules);

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_SCHEMARULES_H
