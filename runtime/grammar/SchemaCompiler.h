//===- SchemaCompiler.h - JSON schemas as rules -----------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_SCHEMACOMPILER_H
#define MARIMBA_RUNTIME_GRAMMAR_SCHEMACOMPILER_H

#include "JsonRules.h"
#include "Schema.h"

namespace marimba::rt::grammar {

/// Throws SchemaError.
class SchemaCompiler {
public:
  SchemaCompiler(const Json &root, RuleSet &rules, JsonRules &json)
      : reader(root), rules(rules), json(json) {}

  /// What fits `schema`. `depth`: how many more objects and lists may be inside
  /// each other where the schema leaves it open.
  ExprId compile(const Json &schema, const std::string &where, int depth);

private:
  ExprId compileFlat(const FlatSchema &flat, int depth);
  ExprId compileNumber(const FlatSchema &flat, bool isInteger);
  ExprId compileText(const FlatSchema &flat);
  ExprId compileArray(const FlatSchema &flat, int depth);
  ExprId compileSet(const FlatSchema &flat, uint32_t least, uint32_t most);
  ExprId compileObject(const FlatSchema &flat, int depth);
  ExprId compileOtherMember(const FlatSchema &flat,
                            const std::vector<std::string> &names, int depth);

  SchemaReader reader;
  RuleSet &rules;
  JsonRules &json;
  int nesting = 0; // schemas that are being compiled
  /// By text and depth.
  std::map<std::pair<std::string, int>, RuleId> known;
};

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_SCHEMACOMPILER_H
