//===- SchemaTypes.cpp - Values of the types that a schema names ----------===//

#include "SchemaTypes.h"

#include "../Text.h"
#include "PythonCalls.h"
#include "marimba/formats/JsonGuard.h"
#include "marimba/formats/JsonText.h"

#include <algorithm>
#include <optional>

namespace marimba::rt {

using Json = nlohmann::ordered_json;

static const Json *find(const Json &object, std::string_view name) {
  auto member = object.is_object() ? object.find(name) : object.end();
  return member == object.end() ? nullptr : &*member;
}

/// `schema` with what `of` defines for references.
static Json withDefinitions(Json schema, const Json &of) {
  for (const char *name : {"$defs", "definitions"})
    if (const Json *found = find(of, name))
      if (schema.is_object() && !schema.contains(name))
        schema[name] = *found;
  return schema;
}

std::vector<Parameter> parametersOf(const Tool &tool) {
  std::vector<Parameter> result;
  const Json *properties = find(tool.parameters, "properties");
  if (!properties || !properties->is_object())
    return result;
  const Json *required = find(tool.parameters, "required");
  for (const auto &[name, schema] : properties->items()) {
    Json wanted = name;
    bool isRequired = required && required->is_array() &&
                      std::ranges::find(*required, wanted) != required->end();
    result.push_back(
        {name, withDefinitions(schema, tool.parameters), isRequired});
  }
  return result;
}

Json schemaOf(const Tool *tool, std::string_view name) {
  if (!tool)
    return nullptr;
  const Json *properties = find(tool->parameters, "properties");
  const Json *schema = properties ? find(*properties, name) : nullptr;
  return schema ? withDefinitions(*schema, tool->parameters) : Json();
}

static unsigned typeOf(const Json &value) {
  if (value.is_string())
    return kTextType;
  if (value.is_number())
    return kNumberType;
  if (value.is_boolean())
    return kTruthType;
  if (value.is_null())
    return kNullType;
  return value.is_array() ? kListType : kObjectType;
}

static unsigned typeCalled(const Json &name) {
  constexpr std::pair<const char *, unsigned> types[] = {
      {"string", kTextType},    {"number", kNumberType},
      {"integer", kNumberType}, {"boolean", kTruthType},
      {"null", kNullType},      {"array", kListType},
      {"object", kObjectType}};
  for (const auto &[known, type] : types)
    if (name == known)
      return type;
  return kAllTypes;
}

/// Those of all items together.
template <typename TypeT>
static unsigned typesAmong(const Json &list, const TypeT &type) {
  unsigned types = 0;
  for (const Json &item : list)
    types |= type(item);
  return types;
}

unsigned allowedTypes(const Json &schema) {
  if (const Json *type = find(schema, "type"))
    return type->is_array() ? typesAmong(*type, typeCalled) : typeCalled(*type);
  if (const Json *value = find(schema, "const"))
    return typeOf(*value);
  if (const Json *values = find(schema, "enum"); values && values->is_array())
    return typesAmong(*values, typeOf);
  for (const char *name : {"anyOf", "oneOf"})
    if (const Json *choices = find(schema, name);
        choices && choices->is_array())
      return typesAmong(*choices, allowedTypes);
  return kAllTypes;
}

/// The value that is written so, as JSON or as Python has it.
static std::optional<Json> readValue(std::string_view text) {
  if (nestsTooDeep(text))
    return std::nullopt;
  if (!tryParseJsonText(text).is_discarded())
    return parseJsonText<Json>(text);
  return readPythonValue(text);
}

Json valueOfText(std::string_view text, const Json &schema) {
  unsigned types = allowedTypes(schema);
  bool saysNothing = !schema.is_object() || schema.empty();
  if (types == kTextType || saysNothing)
    return std::string(text);
  std::optional<Json> value = readValue(text::trim(text));
  // Quotes are part of a text, which stands without.
  bool isText = value && value->is_string() && (types & kTextType);
  if (!value || isText || !(types & typeOf(*value)))
    return std::string(text);
  return *value;
}

Json fitToSchema(Json value, const Json &schema) {
  unsigned types = allowedTypes(schema);
  if (types & typeOf(value))
    return value;
  if (value.is_string()) {
    std::optional<Json> read = readValue(value.get<std::string>());
    return read && (types & typeOf(*read)) ? *read : value;
  }
  return types & kTextType ? Json(value.dump()) : value;
}

} // namespace marimba::rt
