//===- SchemaDisjoint.cpp - Telling the parts of oneOf apart --------------===//

#include "Schema.h"

#include <algorithm>

namespace marimba::rt::grammar {

namespace {

constexpr int kDeepestLook = 3;

/// Types of what fits; of a schema that is open, all.
std::set<std::string> typesOf(const FlatSchema &schema, bool isGenerated) {
  if (const Json *values = schema.find("enum")) {
    std::set<std::string> result;
    for (const Json &value : *values)
      result.insert(typeOf(value));
    return result;
  }
  if (isGenerated || !schema.isOpen())
    return schema.types();
  return {"null", "boolean", "integer", "number", "string", "array", "object"};
}

bool isNumeric(const std::string &type) {
  return type == "integer" || type == "number";
}

bool fits(const Json &value, const FlatSchema &schema) {
  try {
    return fitsBesides(value, schema);
  } catch (const SchemaError &) {
    return true; // Perhaps.
  }
}

bool noneFits(const Json &values, const FlatSchema &schema) {
  return std::none_of(values.begin(), values.end(),
                      [&](const Json &value) { return fits(value, schema); });
}

bool areNumbersApart(const FlatSchema &a, const FlatSchema &b) {
  auto isBelow = [](const FlatSchema &low, const FlatSchema &high) {
    for (const char *most : {"maximum", "exclusiveMaximum"})
      for (const char *least : {"minimum", "exclusiveMinimum"}) {
        const Json *end = low.find(most), *begin = high.find(least);
        if (!end || !begin)
          continue;
        bool touches =
            most == std::string("maximum") && least == std::string("minimum");
        double last = end->get<double>(), first = begin->get<double>();
        if (touches ? last < first : last <= first)
          return true;
      }
    return false;
  };
  return isBelow(a, b) || isBelow(b, a);
}

bool areLengthsApart(const FlatSchema &a, const FlatSchema &b,
                     const char *least, const char *most) {
  auto isBelow = [&](const FlatSchema &low, const FlatSchema &high) {
    return low.has(most) && high.has(least) &&
           *low.count(most) < *high.count(least);
  };
  return isBelow(a, b) || isBelow(b, a);
}

bool isRequired(const FlatSchema &schema, const std::string &name) {
  const Json *names = schema.find("required");
  return names && contains(*names, name);
}

const Json *property(const FlatSchema &schema, const std::string &name) {
  const Json *own = schema.find("properties");
  auto found = own ? own->find(name) : Json::const_iterator();
  return own && found != own->end() ? &*found : nullptr;
}

bool isClosed(const FlatSchema &schema) {
  const Json *rest = schema.find("additionalProperties");
  return rest && *rest == Json(false) && !schema.has("patternProperties");
}

} // namespace

bool SchemaReader::excludes(const FlatSchema &a, const FlatSchema &b,
                            int depth) {
  constexpr size_t workOfOne = 4;
  spend(a.where, workOfOne);
  const Json *valuesA = a.find("enum"), *valuesB = b.find("enum");
  if (valuesA && noneFits(*valuesA, b))
    return true;
  if (valuesB && noneFits(*valuesB, a))
    return true;
  for (const std::string &left : typesOf(a, true))
    for (const std::string &right : typesOf(b, false)) {
      bool isCommon = left == right || (isNumeric(left) && isNumeric(right));
      if (!isCommon)
        continue;
      bool isApart = false;
      if (isNumeric(left))
        isApart = areNumbersApart(a, b);
      else if (left == "string")
        isApart = areLengthsApart(a, b, "minLength", "maxLength");
      else if (left == "array")
        isApart = areLengthsApart(a, b, "minItems", "maxItems");
      else if (left == "object")
        isApart = !valuesA && !valuesB && excludesObjects(a, b, depth);
      if (!isApart)
        return false;
    }
  return true;
}

bool SchemaReader::excludesObjects(const FlatSchema &a, const FlatSchema &b,
                                   int depth) {
  // Answers of `a` never have a name that it does not speak of, unless it says
  // that they may.
  const Json *rest = a.find("additionalProperties");
  bool namesOnly = (!rest || *rest == Json(false)) &&
                   !a.has("patternProperties") && a.has("properties");
  if (const Json *names = b.find("required"); names && namesOnly)
    for (const Json &name : *names)
      if (!property(a, name.get<std::string>()) &&
          !isRequired(a, name.get<std::string>()))
        return true;
  const Json *own = a.find("required");
  if (!own || depth >= kDeepestLook)
    return false;
  for (const Json &item : *own) {
    auto name = item.get<std::string>();
    const Json *left = property(a, name), *right = property(b, name);
    if (!right && isClosed(b))
      return true;
    if (!left || !right)
      continue;
    bool isApart = true;
    for (const FlatSchema &x : read(*left, a.where + "/properties/" + name))
      for (const FlatSchema &y : read(*right, b.where + "/properties/" + name))
        isApart = isApart && excludes(x, y, depth + 1);
    if (isApart)
      return true;
  }
  return false;
}

} // namespace marimba::rt::grammar
