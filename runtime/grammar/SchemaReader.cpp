//===- SchemaReader.cpp - Taking JSON schemas apart -----------------------===//

#include "Schema.h"

#include "marimba/formats/JsonText.h"
#include "marimba/formats/Message.h"

#include <algorithm>

namespace marimba::rt::grammar {

using formats::quotedName;

namespace {

constexpr int kMostSteps = 64;

bool isAssertion(const std::string &keyword) {
  static const std::set<std::string> names = {"type",
                                              "enum",
                                              "multipleOf",
                                              "maximum",
                                              "minimum",
                                              "exclusiveMaximum",
                                              "maxLength",
                                              "minLength",
                                              "exclusiveMinimum",
                                              "pattern",
                                              "format",
                                              "items",
                                              "prefixItems",
                                              "maxItems",
                                              "minItems",
                                              "uniqueItems",
                                              "maxProperties",
                                              "minProperties",
                                              "required",
                                              "properties",
                                              "patternProperties",
                                              "propertyNames",
                                              "additionalProperties"};
  return names.count(keyword) != 0;
}

bool isUnsupported(const std::string &keyword) {
  static const std::set<std::string> names = {"not",
                                              "if",
                                              "then",
                                              "else",
                                              "contains",
                                              "minContains",
                                              "maxContains",
                                              "dependencies",
                                              "dependentRequired",
                                              "additionalItems",
                                              "dependentSchemas",
                                              "unevaluatedItems",
                                              "unevaluatedProperties",
                                              "$dynamicRef",
                                              "$recursiveRef"};
  return names.count(keyword) != 0;
}

const std::set<std::string> &typeNames() {
  static const std::set<std::string> names = {
      "null", "boolean", "integer", "number", "string", "array", "object"};
  return names;
}

/// The type that a keyword speaks of.
const char *typeOfKeyword(const std::string &keyword) {
  static const std::map<std::string, const char *> types = {
      {"multipleOf", "number"},
      {"maximum", "number"},
      {"minimum", "number"},
      {"exclusiveMaximum", "number"},
      {"exclusiveMinimum", "number"},
      {"maxLength", "string"},
      {"minLength", "string"},
      {"pattern", "string"},
      {"format", "string"},
      {"items", "array"},
      {"prefixItems", "array"},
      {"maxItems", "array"},
      {"minItems", "array"},
      {"uniqueItems", "array"},
      {"maxProperties", "object"},
      {"minProperties", "object"},
      {"required", "object"},
      {"properties", "object"},
      {"patternProperties", "object"},
      {"propertyNames", "object"},
      {"additionalProperties", "object"}};
  auto found = types.find(keyword);
  return found == types.end() ? nullptr : found->second;
}

void checkKind(const Json &value, const std::string &keyword,
               const std::string &where) {
  auto expect = [&](bool isRight, const char *expected) {
    if (!isRight)
      throw SchemaError(where + "/" + keyword,
                        "is " + printJson(nlohmann::json(value)) +
                            ", expected " + expected);
  };
  static const std::set<std::string> counts = {
      "maxLength", "minLength",     "maxItems",
      "minItems",  "maxProperties", "minProperties"};
  static const std::set<std::string> numbers = {"multipleOf", "maximum",
                                                "minimum", "exclusiveMaximum",
                                                "exclusiveMinimum"};
  if (counts.count(keyword)) {
    auto count = asInteger(nlohmann::json(value));
    expect(count && *count >= 0, "an integer that is not negative");
  } else if (numbers.count(keyword)) {
    expect(value.is_number(), "a number");
  } else if (keyword == "pattern" || keyword == "format") {
    expect(value.is_string(), "a text");
  } else if (keyword == "uniqueItems") {
    expect(value.is_boolean(), "true or false");
  } else if (keyword == "enum" || keyword == "prefixItems") {
    expect(value.is_array(),
           keyword == "enum" ? "a list" : "a list of schemas");
  } else if (keyword == "required") {
    expect(value.is_array() &&
               std::all_of(value.begin(), value.end(),
                           [](const Json &name) { return name.is_string(); }),
           "a list of names");
  } else if (keyword == "properties" || keyword == "patternProperties") {
    expect(value.is_object(), "an object");
  } else if (keyword == "items" || keyword == "additionalProperties" ||
             keyword == "propertyNames") {
    expect(value.is_object() || value.is_boolean(),
           "a schema, an object or a boolean (of draft 2020-12: lists are "
           "prefixItems)");
  }
}

} // namespace

std::set<std::string> FlatSchema::types() const {
  std::set<std::string> result;
  if (const Json *list = find("type")) {
    for (const Json &name : *list)
      result.insert(name.get<std::string>());
  } else {
    for (const auto &[keyword, value] : keywords.items())
      if (const char *type = typeOfKeyword(keyword))
        result.insert(type);
    // Without a word about any type, any fits.
    if (result.empty())
      result = typeNames();
  }
  if (result.count("number"))
    result.erase("integer");
  return result;
}

std::optional<uint32_t> FlatSchema::count(const char *keyword) const {
  const Json *value = find(keyword);
  if (!value)
    return std::nullopt;
  return static_cast<uint32_t>(std::min<int64_t>(
      asInteger(nlohmann::json(*value)).value_or(0), 1 << 24));
}

SchemaReader::SchemaReader(const Json &root) : root(root) {}

std::vector<FlatSchema> SchemaReader::read(const Json &schema,
                                           const std::string &where) {
  return readAt(schema, where, 0);
}

void SchemaReader::spend(const std::string &where, size_t work) {
  constexpr size_t most = 4'000'000, longestPlace = 200;
  if ((spent += work) > most)
    throw SchemaError(where.substr(0, longestPlace),
                      "refers to others in too many ways");
}

SchemaReader::Ways SchemaReader::readAt(const Json &schema,
                                        const std::string &where, int depth) {
  constexpr size_t workOfOne = 32;
  spend(where, workOfOne);
  if (depth > kMostSteps)
    throw SchemaError(where, "refers to itself, or through more than " +
                                 std::to_string(kMostSteps) + " schemas");
  if (schema.is_boolean())
    return schema.get<bool>() ? Ways{{Json::object(), where, false}} : Ways{};
  if (!schema.is_object())
    throw SchemaError(where, "is " + printJson(nlohmann::json(schema)) +
                                 ", expected a schema: an object or a boolean");
  Ways ways = {readKeywords(schema, where)};
  auto listOf = [&](const char *keyword) -> const Json * {
    auto found = schema.find(keyword);
    if (found == schema.end())
      return nullptr;
    if (!found->is_array() || found->empty())
      throw SchemaError(where + "/" + keyword,
                        "is " + printJson(nlohmann::json(*found)) +
                            ", expected a list of schemas, one at least");
    return &*found;
  };
  if (auto reference = schema.find("$ref"); reference != schema.end()) {
    Ways target =
        readAt(resolve(*reference, where), where + "/$ref", depth + 1);
    if (isRecursive(reference->get<std::string>()))
      for (FlatSchema &way : target)
        way.isRecursive = true;
    ways = both(ways, target, where);
  }
  if (const Json *parts = listOf("allOf"))
    for (size_t i = 0; i < parts->size(); ++i) {
      std::string part = where + "/allOf/" + std::to_string(i);
      ways = both(ways, readAt((*parts)[i], part, depth + 1), part);
    }
  if (const Json *parts = listOf("anyOf")) {
    Ways any;
    for (size_t i = 0; i < parts->size(); ++i) {
      std::string part = where + "/anyOf/" + std::to_string(i);
      Ways more = readAt((*parts)[i], part, depth + 1);
      any.insert(any.end(), more.begin(), more.end());
    }
    ways = both(ways, any, where + "/anyOf");
  }
  if (const Json *parts = listOf("oneOf"))
    ways = readOneOf(*parts, ways, where + "/oneOf", depth);
  return ways;
}

SchemaReader::Ways SchemaReader::both(const Ways &a, const Ways &b,
                                      const std::string &where) {
  if (a.size() * b.size() > kMostWays)
    throw SchemaError(where, "gives more than " + std::to_string(kMostWays) +
                                 " combinations");
  Ways result;
  for (const FlatSchema &left : a)
    for (const FlatSchema &right : b)
      if (std::optional<FlatSchema> way = mergeSchemas(left, right))
        result.push_back(std::move(*way));
  return result;
}

SchemaReader::Ways SchemaReader::readOneOf(const Json &parts, const Ways &base,
                                           const std::string &where,
                                           int depth) {
  std::vector<Ways> groups;
  Ways result;
  for (size_t i = 0; i < parts.size(); ++i) {
    std::string part = where + "/" + std::to_string(i);
    groups.push_back(both(base, readAt(parts[i], part, depth + 1), part));
    for (size_t other = 0; other < i; ++other)
      for (const FlatSchema &a : groups[other])
        for (const FlatSchema &b : groups[i])
          if (!excludes(a, b) || !excludes(b, a))
            throw SchemaError(
                where, "has parts " + std::to_string(other) + " and " +
                           std::to_string(i) +
                           " that one answer may fit both, supported: parts "
                           "told apart by type, constant or a required name "
                           "(or anyOf)");
    result.insert(result.end(), groups[i].begin(), groups[i].end());
  }
  return result;
}

FlatSchema SchemaReader::readKeywords(const Json &schema,
                                      const std::string &where) {
  FlatSchema flat;
  flat.where = where;
  for (const auto &[keyword, value] : schema.items()) {
    if (isUnsupported(keyword))
      throw SchemaError(where + "/" + keyword, "is not supported");
    if (keyword == "type") {
      Json list = value.is_string() ? Json::array({value}) : value;
      bool isRight = list.is_array() && !list.empty();
      for (const Json &name : isRight ? list : Json::array())
        isRight = isRight && name.is_string() &&
                  typeNames().count(name.get<std::string>());
      if (!isRight)
        throw SchemaError(where + "/type",
                          "is " + printJson(nlohmann::json(value)) +
                              ", expected null, boolean, integer, number, "
                              "string, array or object, or a list of these");
      flat.keywords["type"] = list;
    } else if (keyword == "const") {
      // Beside an enum: both() is for schemas, this is one.
      Json one = Json::array({value});
      if (auto list = schema.find("enum");
          list != schema.end() && !contains(*list, value))
        one = Json::array();
      flat.keywords["enum"] = one;
    } else if (isAssertion(keyword)) {
      checkKind(value, keyword, where);
      if (keyword != "enum" || !schema.contains("const"))
        flat.keywords[keyword] = value;
    } else if (keyword == "$ref" && !value.is_string()) {
      throw SchemaError(where + "/$ref", "is no text");
    }
    // What remains says nothing to a validator either: annotations, and words
    // that the specification does not know.
  }
  return flat;
}

const Json &SchemaReader::resolve(const Json &reference,
                                  const std::string &where) const {
  auto text = reference.get<std::string>();
  if (!text.starts_with("#") || (text.size() > 1 && text[1] != '/'))
    throw SchemaError(where + "/$ref",
                      "is " + quotedName(text) +
                          ", supported: paths inside the schema, as "
                          "'#/$defs/NAME'");
  try {
    Json::json_pointer pointer(text.substr(1));
    if (root.contains(pointer))
      return root.at(pointer);
  } catch (const Json::exception &) {
    // Not a path: said below.
  }
  throw SchemaError(where + "/$ref", "is " + quotedName(text) +
                                         ", but the schema has nothing there");
}

bool SchemaReader::isRecursive(const std::string &reference) {
  auto found = recursive.find(reference);
  if (found != recursive.end())
    return found->second;
  // Whether a way of references leads back here. What is only defined at the
  // root is none.
  std::set<std::string> seen;
  std::vector<const Json *> open = {&resolve(Json(reference), "#")};
  bool result = false;
  while (!open.empty() && !result) {
    const Json *at = open.back();
    open.pop_back();
    for (const auto &[key, value] : at->items()) {
      spend(reference, 1);
      bool isDefinition =
          at == &root && (key == "$defs" || key == "definitions");
      if (key == "$ref" && value.is_string() && at->is_object()) {
        auto next = value.get<std::string>();
        result = result || next == reference;
        if (seen.insert(next).second)
          open.push_back(&resolve(value, "#"));
      } else if (value.is_structured() && !isDefinition) {
        open.push_back(&value);
      }
    }
  }
  return recursive[reference] = result;
}

} // namespace marimba::rt::grammar
