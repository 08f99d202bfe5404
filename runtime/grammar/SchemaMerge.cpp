//===- SchemaMerge.cpp - Two JSON schemas at once -------------------------===//

#include "Schema.h"

#include "marimba/formats/JsonText.h"

#include <algorithm>

namespace marimba::rt::grammar {

namespace {

/// Whether a keyword of numbers is the tighter the larger it is.
bool isLower(const std::string &keyword) {
  return keyword.starts_with("min") || keyword == "exclusiveMinimum";
}
bool isBound(const std::string &keyword) {
  return keyword.starts_with("min") || keyword.starts_with("max") ||
         keyword.starts_with("exclusive");
}

Json commonTypes(const Json &a, const Json &b) {
  Json result = Json::array();
  for (const Json &name : a) {
    auto text = name.get<std::string>();
    if (contains(b, name) || (text == "integer" && contains(b, "number")))
      result.push_back(name);
    else if (text == "number" && contains(b, "integer"))
      result.push_back("integer");
  }
  return result;
}

Json commonValues(const Json &a, const Json &b) {
  Json result = Json::array();
  for (const Json &value : a)
    if (contains(b, value))
      result.push_back(value);
  return result;
}

const Json &childOr(const Json &object, const char *keyword,
                    const Json &otherwise) {
  auto found = object.find(keyword);
  return found == object.end() ? otherwise : *found;
}

void mergeObjects(const FlatSchema &a, const FlatSchema &b, Json &result) {
  const Json none = Json::object(), anything = true;
  auto speaks = [](const FlatSchema &schema) {
    return schema.has("properties") || schema.has("additionalProperties") ||
           schema.has("patternProperties") || schema.has("propertyNames");
  };
  if (!speaks(a) || !speaks(b)) {
    const FlatSchema &one = speaks(a) ? a : b;
    for (const char *keyword : {"properties", "additionalProperties",
                                "patternProperties", "propertyNames"})
      if (const Json *value = one.find(keyword))
        result[keyword] = *value;
    return;
  }
  for (const FlatSchema *schema : {&a, &b})
    for (const char *keyword : {"patternProperties", "propertyNames"})
      if (schema->has(keyword))
        throw SchemaError(schema->where + "/" + keyword,
                          "is not supported together with another schema for "
                          "the same object");
  const Json &ownA = childOr(a.keywords, "properties", none);
  const Json &ownB = childOr(b.keywords, "properties", none);
  const Json &restA = childOr(a.keywords, "additionalProperties", anything);
  const Json &restB = childOr(b.keywords, "additionalProperties", anything);
  Json properties = Json::object();
  for (const auto &[name, child] : ownA.items())
    properties[name] = bothSchemas(child, childOr(ownB, name.c_str(), restB));
  for (const auto &[name, child] : ownB.items())
    if (!ownA.contains(name))
      properties[name] = bothSchemas(restA, child);
  result["properties"] = properties;
  if (a.has("additionalProperties") || b.has("additionalProperties"))
    result["additionalProperties"] = bothSchemas(restA, restB);
}

void mergeArrays(const FlatSchema &a, const FlatSchema &b, Json &result) {
  const Json none = Json::array(), anything = true;
  const Json &firstA = childOr(a.keywords, "prefixItems", none);
  const Json &firstB = childOr(b.keywords, "prefixItems", none);
  const Json &restA = childOr(a.keywords, "items", anything);
  const Json &restB = childOr(b.keywords, "items", anything);
  Json first = Json::array();
  for (size_t i = 0; i < std::max(firstA.size(), firstB.size()); ++i)
    first.push_back(bothSchemas(i < firstA.size() ? firstA[i] : restA,
                                i < firstB.size() ? firstB[i] : restB));
  if (!first.empty())
    result["prefixItems"] = first;
  if (a.has("items") || b.has("items"))
    result["items"] = bothSchemas(restA, restB);
}

bool isChild(const std::string &keyword) {
  return keyword == "properties" || keyword == "additionalProperties" ||
         keyword == "patternProperties" || keyword == "propertyNames" ||
         keyword == "prefixItems" || keyword == "items";
}

/// One keyword that both have.
Json mergeValues(const std::string &keyword, const Json &a, const Json &b,
                 const std::string &where) {
  if (a == b)
    return a;
  if (keyword == "type")
    return commonTypes(a, b);
  if (keyword == "enum")
    return commonValues(a, b);
  if (keyword == "uniqueItems")
    return true;
  if (keyword == "required") {
    Json names = a;
    for (const Json &name : b)
      if (!contains(names, name))
        names.push_back(name);
    return names;
  }
  if (isBound(keyword))
    return (a.get<double>() > b.get<double>()) == isLower(keyword) ? a : b;
  throw SchemaError(where + "/" + keyword,
                    "is not supported together with another " + keyword +
                        " for the same value");
}

} // namespace

Json bothSchemas(const Json &a, const Json &b) {
  if (a == b || b == Json(true))
    return a;
  if (a == Json(true))
    return b;
  if (a == Json(false) || b == Json(false))
    return false;
  return Json{{"allOf", Json::array({a, b})}};
}

std::optional<FlatSchema> mergeSchemas(const FlatSchema &a,
                                       const FlatSchema &b) {
  FlatSchema result;
  result.where = b.keywords.empty() ? a.where : b.where;
  result.isRecursive = a.isRecursive || b.isRecursive;
  if (a.keywords.empty() || b.keywords.empty()) {
    result.keywords = a.keywords.empty() ? b.keywords : a.keywords;
    return result;
  }
  for (const auto &[keyword, value] : a.keywords.items())
    if (!isChild(keyword))
      result.keywords[keyword] =
          b.has(keyword.c_str())
              ? mergeValues(keyword, value, *b.find(keyword.c_str()),
                            result.where)
              : value;
  for (const auto &[keyword, value] : b.keywords.items())
    if (!isChild(keyword) && !a.has(keyword.c_str()))
      result.keywords[keyword] = value;
  mergeObjects(a, b, result.keywords);
  mergeArrays(a, b, result.keywords);
  for (const char *keyword : {"type", "enum"})
    if (const Json *list = result.find(keyword); list && list->empty())
      return std::nullopt;
  return result;
}

bool contains(const Json &list, const Json &value) {
  return std::ranges::any_of(
      list, [&](const Json &element) { return element == value; });
}

std::string typeOf(const Json &value) {
  if (value.is_null())
    return "null";
  if (value.is_boolean())
    return "boolean";
  if (value.is_string())
    return "string";
  if (value.is_array())
    return "array";
  if (value.is_object())
    return "object";
  return asInteger(nlohmann::json(value)) ? "integer" : "number";
}

size_t characterCount(const std::string &text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char byte) { return (byte & 0xC0) != 0x80; }));
}

bool fitsBesides(const Json &value, const FlatSchema &schema) {
  std::string type = typeOf(value);
  bool isNumber = type == "integer" || type == "number";
  for (const auto &[keyword, wanted] : schema.keywords.items()) {
    if (keyword == "type") {
      bool fits = false;
      for (const Json &name : wanted)
        fits = fits || name == type || (type == "integer" && name == "number");
      if (!fits)
        return false;
    } else if (keyword == "enum") {
      if (!contains(wanted, value))
        return false;
    } else if (isBound(keyword)) {
      std::optional<double> measure;
      if (keyword.ends_with("imum"))
        measure = isNumber ? std::optional(value.get<double>()) : std::nullopt;
      else if (keyword.ends_with("Length") && type == "string")
        measure = double(characterCount(value.get<std::string>()));
      else if ((keyword.ends_with("Items") && type == "array") ||
               (keyword.ends_with("Properties") && type == "object"))
        measure = double(value.size());
      if (!measure)
        continue;
      double bound = wanted.get<double>();
      bool isExclusive = keyword.starts_with("exclusive");
      if (isLower(keyword) ? *measure < bound : *measure > bound)
        return false;
      if (isExclusive && *measure == bound)
        return false;
    } else {
      bool concerns =
          (keyword == "multipleOf" && isNumber) ||
          ((keyword == "pattern" || keyword == "format") && type == "string") ||
          ((keyword == "items" || keyword == "prefixItems" ||
            keyword == "uniqueItems") &&
           type == "array") ||
          (type == "object" &&
           (keyword == "required" || keyword == "properties" ||
            keyword == "additionalProperties" ||
            keyword == "patternProperties" || keyword == "propertyNames"));
      if (concerns)
        throw SchemaError(schema.where + "/" + keyword,
                          "is not supported beside enum or const");
    }
  }
  return true;
}

} // namespace marimba::rt::grammar
