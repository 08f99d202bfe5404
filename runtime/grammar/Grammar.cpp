//===- Grammar.cpp - Grammars from texts ----------------------------------===//

#include "marimba/Grammar.h"

#include "GbnfParser.h"
#include "JsonRules.h"
#include "Program.h"
#include "SchemaRules.h"

#include "marimba/formats/Message.h"

namespace marimba::rt {

using namespace grammar;

namespace {

/// Of a text up to an end.
constexpr size_t kLongestEnd = 256;

std::shared_ptr<const Grammar>
finish(RuleSet rules, RuleId root, std::string_view name, std::string &error) {
  auto program = lower(std::move(rules), root, error);
  if (!program) {
    error = std::string(name) + ": " + error;
    return nullptr;
  }
  error.clear();
  return std::make_shared<Grammar>(std::move(program));
}

} // namespace

std::shared_ptr<const Grammar> Grammar::parse(std::string_view gbnf,
                                              std::string_view name,
                                              std::string &error) {
  RuleSet rules;
  std::optional<RuleId> root = parseGbnf(gbnf, name, rules, {}, error);
  return root ? finish(std::move(rules), *root, name, error) : nullptr;
}

std::shared_ptr<const Grammar>
Grammar::fromJsonSchema(std::string_view schema, const SchemaOptions &options,
                        std::string_view name, std::string &error) {
  RuleSet rules;
  std::optional<RuleId> root =
      addSchemaRules(schema, options, name, rules, error);
  return root ? finish(std::move(rules), *root, name, error) : nullptr;
}

std::shared_ptr<const Grammar> Grammar::anyObject(const SchemaOptions &options,
                                                  std::string &error) {
  if (error = checkSchemaOptions(options); !error.empty())
    return nullptr;
  RuleSet rules;
  JsonRules json(rules, options);
  RuleId root = rules.addRule("root", json.object(options.maxDepth));
  return finish(std::move(rules), root, "JSON", error);
}

std::shared_ptr<const Grammar> Grammar::fromParts(const GrammarParts &parts,
                                                  std::string_view name,
                                                  std::string &error) {
  RuleSet rules;
  std::map<std::string, RuleId, std::less<>> known;
  auto add = [&](const std::string &rule, RuleId id) {
    if (known.emplace(rule, id).second)
      return true;
    error = "rule " + formats::quotedName(rule) + " is defined twice";
    return false;
  };
  for (const auto &[rule, schema] : parts.schemas) {
    std::optional<RuleId> id =
        addSchemaRules(schema, parts.options, rule, rules, error);
    if (!id || !add(rule, *id))
      return nullptr;
  }
  for (const auto &[rule, end] : parts.texts) {
    if (end.empty() || end.size() > kLongestEnd) {
      error = "rule " + formats::quotedName(rule) + " ends with a text of " +
              std::to_string(end.size()) + " bytes, allowed: 1 to " +
              std::to_string(kLongestEnd);
      return nullptr;
    }
    if (!add(rule, addTextUntilRule(end, rules)))
      return nullptr;
  }
  std::optional<RuleId> root = parseGbnf(parts.gbnf, name, rules, known, error);
  return root ? finish(std::move(rules), *root, name, error) : nullptr;
}

} // namespace marimba::rt
