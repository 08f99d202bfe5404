#include "SchemaRules.h"
namespace marimba::rt::grammar {
std::optional<RuleId> addSchemaRules(std::string_view, const SchemaOptions &,
                                     std::string_view name, RuleSet &,
                                     std::string &error) {
  error = std::string(name) + ": JSON schemas come next";
  return std::nullopt;
}
} // namespace marimba::rt::grammar
