//===- Schema.h - JSON schemas, put together --------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_SCHEMA_H
#define MARIMBA_RUNTIME_GRAMMAR_SCHEMA_H

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace marimba::rt::grammar {

/// In the order of the text: that of an object's members in an answer.
using Json = nlohmann::ordered_json;

/// What is wrong with a schema, and where: "#/properties/a: ...". Stays inside
/// of this folder.
class SchemaError : public std::runtime_error {
public:
  SchemaError(const std::string &where, const std::string &problem)
      : std::runtime_error(where + ": " + problem) {}
};

/// A schema without $ref, allOf, anyOf and oneOf: `type` is a list, `const` an
/// `enum`, if they are there.
struct FlatSchema {
  Json keywords = Json::object();
  std::string where;
  /// Whether a $ref that leads to itself was followed.
  bool isRecursive = false;

  const Json *find(const char *keyword) const {
    auto found = keywords.find(keyword);
    return found == keywords.end() ? nullptr : &*found;
  }
  bool has(const char *keyword) const { return find(keyword) != nullptr; }
  /// The names of types that answers have, "integer" only without "number".
  std::set<std::string> types() const;
  /// Whether all types are allowed that no keyword speaks of.
  bool isOpen() const { return !has("type") && !has("enum"); }
  /// A non-negative integer.
  std::optional<uint32_t> count(const char *keyword) const;
};

/// Takes schemas apart into such.
class SchemaReader {
public:
  static constexpr size_t kMostWays = 256;

  explicit SchemaReader(const Json &root);

  /// What an answer may fit: any of these. `schema` is an object, or false.
  std::vector<FlatSchema> read(const Json &schema, const std::string &where);

  /// Whether what the rules of `a` allow never fits `b`.
  bool excludes(const FlatSchema &a, const FlatSchema &b, int depth = 0);

private:
  using Ways = std::vector<FlatSchema>;

  Ways readAt(const Json &schema, const std::string &where, int depth);
  Ways both(const Ways &a, const Ways &b, const std::string &where);
  Ways readOneOf(const Json &parts, const Ways &base, const std::string &where,
                 int depth);
  FlatSchema readKeywords(const Json &schema, const std::string &where);
  const Json &resolve(const Json &reference, const std::string &where) const;
  bool isRecursive(const std::string &reference);
  bool excludesObjects(const FlatSchema &a, const FlatSchema &b, int depth);

  /// Schemas that refer to each other in many ways would be read for ever.
  void spend(const std::string &where, size_t work);

  const Json &root;
  std::map<std::string, bool> recursive;
  size_t spent = 0;
};

/// Both at once: nothing where no value fits both.
std::optional<FlatSchema> mergeSchemas(const FlatSchema &a,
                                       const FlatSchema &b);

/// Whether `value` fits keywords beside an `enum`; throws where one of them
/// cannot be looked at.
bool fitsBesides(const Json &value, const FlatSchema &schema);

/// A child that must fit both.
Json bothSchemas(const Json &a, const Json &b);

/// Whether `value` is an element of `list`.
bool contains(const Json &list, const Json &value);

/// The name of a value's type; "integer" of whole numbers.
std::string typeOf(const Json &value);

/// The number of characters of valid UTF-8.
size_t characterCount(const std::string &text);

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_SCHEMA_H
