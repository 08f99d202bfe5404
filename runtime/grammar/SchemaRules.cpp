//===- SchemaRules.cpp - JSON schemas as rules ----------------------------===//

#include "SchemaRules.h"

#include "SchemaCompiler.h"

#include "marimba/formats/JsonText.h"
#include "marimba/formats/Message.h"

namespace marimba::rt::grammar {

namespace {

constexpr size_t kLargestSchema = size_t(1) << 20;
/// Of schemas inside each other, also by references: each takes some stack.
constexpr int kMostNesting = 1000;
/// Of the place of a schema, in names of rules and in messages.
constexpr size_t kLongestPlace = 200;

} // namespace

ExprId SchemaCompiler::compile(const Json &schema, const std::string &where,
                               int depth) {
  auto key = std::pair(schema.dump(), depth);
  auto [found, isNew] = known.try_emplace(std::move(key), 0);
  if (!isNew)
    return rules.rule(found->second);
  RuleId rule = found->second = rules.addRule(where.substr(0, kLongestPlace));
  if (rules.isTooLarge())
    throw SchemaError(where.substr(0, kLongestPlace),
                      "makes the grammar too large");
  if (nesting >= kMostNesting)
    throw SchemaError(where.substr(0, kLongestPlace),
                      "is inside of " + std::to_string(nesting) +
                          " schemas, supported: fewer than " +
                          std::to_string(kMostNesting));
  ++nesting;
  std::vector<ExprId> ways;
  for (const FlatSchema &flat : reader.read(schema, where)) {
    int left = flat.isRecursive ? depth - 1 : depth;
    if (left >= 0)
      ways.push_back(compileFlat(flat, left));
  }
  --nesting;
  rules.setBody(rule, rules.choice(ways));
  return rules.rule(rule);
}

ExprId SchemaCompiler::compileFlat(const FlatSchema &flat, int depth) {
  if (const Json *values = flat.find("enum")) {
    std::vector<std::string> texts;
    for (const Json &value : *values)
      if (fitsBesides(value, flat))
        texts.push_back(value.dump());
    return rules.oneOf(std::move(texts));
  }
  if (flat.keywords.empty())
    return json.value(depth);
  std::vector<ExprId> ways;
  for (const std::string &type : flat.types()) {
    if (type == "null")
      ways.push_back(json.null());
    else if (type == "boolean")
      ways.push_back(json.boolean());
    else if (type == "integer" || type == "number")
      ways.push_back(compileNumber(flat, type == "integer"));
    else if (type == "string")
      ways.push_back(compileText(flat));
    else if (type == "array")
      ways.push_back(compileArray(flat, depth));
    else
      ways.push_back(compileObject(flat, depth));
  }
  return rules.choice(ways);
}

std::optional<RuleId> addSchemaRules(std::string_view schema,
                                     const SchemaOptions &options,
                                     std::string_view name, RuleSet &rules,
                                     std::string &error) {
  auto fail = [&](const std::string &problem) -> std::optional<RuleId> {
    error = std::string(name) + ": " + problem;
    return std::nullopt;
  };
  if (std::string problem = checkSchemaOptions(options); !problem.empty())
    return fail(problem);
  if (schema.size() > kLargestSchema)
    return fail("has " + std::to_string(schema.size()) +
                " bytes, supported: " + std::to_string(kLargestSchema));
  std::string problem;
  if (!parseUniqueJson(schema, problem))
    return fail(problem);
  try {
    // Once more, in the order of the text.
    if (schema.starts_with("\xef\xbb\xbf"))
      schema.remove_prefix(3);
    Json root = parseJsonText<Json>(schema);
    JsonRules json(rules, options);
    SchemaCompiler compiler(root, rules, json);
    ExprId body = compiler.compile(root, "#", options.maxDepth);
    return rules.addRule(std::string(name), body);
  } catch (const SchemaError &exception) {
    return fail(exception.what());
  } catch (const Json::exception &exception) {
    return fail(exception.what());
  }
}

} // namespace marimba::rt::grammar
