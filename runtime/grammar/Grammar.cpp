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

struct GrammarBuilder::Impl {
  RuleSet rules;
  std::map<std::string, RuleId, std::less<>> known;

  bool add(std::string_view rule, RuleId id, std::string &error) {
    if (known.emplace(std::string(rule), id).second)
      return true;
    error = "rule " + formats::quotedName(rule) + " is defined twice";
    return false;
  }
};

GrammarBuilder::GrammarBuilder() : impl(new Impl) {}
GrammarBuilder::~GrammarBuilder() = default;

bool GrammarBuilder::addSchema(std::string_view rule, std::string_view schema,
                               const SchemaOptions &options,
                               std::string &error) {
  std::optional<RuleId> id =
      addSchemaRules(schema, options, rule, impl->rules, error);
  return id && impl->add(rule, *id, error);
}

bool GrammarBuilder::addTextUntil(std::string_view rule, std::string_view end,
                                  std::string &error) {
  if (end.empty() || end.size() > 256) {
    error = "rule " + formats::quotedName(rule) + " ends with a text of " +
            std::to_string(end.size()) + " bytes, allowed: 1 to 256";
    return false;
  }
  return impl->add(rule, addTextUntilRule(end, impl->rules), error);
}

std::shared_ptr<const Grammar> GrammarBuilder::build(std::string_view gbnf,
                                                     std::string_view name,
                                                     std::string &error) {
  std::optional<RuleId> root =
      parseGbnf(gbnf, name, impl->rules, impl->known, error);
  return root ? finish(std::move(impl->rules), *root, name, error) : nullptr;
}

} // namespace marimba::rt
