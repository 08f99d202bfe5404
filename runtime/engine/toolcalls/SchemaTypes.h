//===- SchemaTypes.h - Values of the types that a schema names --*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_ENGINE_TOOLCALLS_SCHEMATYPES_H
#define MARIMBA_RUNTIME_ENGINE_TOOLCALLS_SCHEMATYPES_H

#include "marimba/ToolCalls.h"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

/// A parameter of a function.
struct Parameter {
  std::string name;
  nlohmann::ordered_json schema; // with the definitions that it may refer to
  bool isRequired = false;
};

/// Those of a tool, in the order of its schema.
std::vector<Parameter> parametersOf(const Tool &tool);

/// The schema of the parameter `name` of `tool`, which may be null; null where
/// there is none.
nlohmann::ordered_json schemaOf(const Tool *tool, std::string_view name);

/// Types of JSON, as bits.
enum JsonTypes : unsigned {
  kTextType = 1,
  kNumberType = 2,
  kTruthType = 4,
  kNullType = 8,
  kListType = 16,
  kObjectType = 32,
  kAllTypes = 63
};
/// Those that a schema allows; all where it does not say.
unsigned allowedTypes(const nlohmann::ordered_json &schema);

/// What `text`, as a model wrote it without quotes, stands for: a text where
/// `schema` allows nothing else, or says nothing, or where it is no JSON.
/// Python's True, False and None are true, false and null.
nlohmann::ordered_json valueOfText(std::string_view text,
                                   const nlohmann::ordered_json &schema);

/// `value`, or the text that it is where `schema` allows texts only.
nlohmann::ordered_json fitToSchema(nlohmann::ordered_json value,
                                   const nlohmann::ordered_json &schema);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_ENGINE_TOOLCALLS_SCHEMATYPES_H
