//===- Grammar.h - What an answer may look like -----------------*- C++ -*-===//
//
// Grammars over bytes, from GBNF (llama.cpp's grammars/README.md) or from JSON
// schemas (docs/constrained-output.md). No exception leaves this interface.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_GRAMMAR_H
#define MARIMBA_GRAMMAR_H

#include "marimba/TokenConstraint.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace marimba::rt {

class Tokenizer;

namespace grammar {
struct Program;
} // namespace grammar

/// What keeps an answer of JSON from going on for ever.
struct SchemaOptions {
  /// Objects and lists inside each other, where the schema leaves it open
  /// (`{}`, recursion): 1 to 64.
  int maxDepth = 16;
  /// Characters of a text without `maxLength`: 0 to 2^24.
  int64_t maxStringLength = 1 << 16;
  /// Elements of a list without `maxItems`; members beyond those that
  /// `properties` names: 0 to 2^24.
  int64_t maxItems = 4096;

  bool operator==(const SchemaOptions &) const = default;
};

/// A text of GBNF with rules that come from elsewhere: what a call of a
/// function is written like, with its arguments.
struct GrammarParts {
  /// Uses the rules below and defines others.
  std::string gbnf = {};
  /// Rules of the JSON that fits a schema: name, schema.
  std::vector<std::pair<std::string, std::string>> schemas = {};
  /// Rules of any text (valid UTF-8) up to the first of another one, which ends
  /// it, as of thoughts: name, end, 1 to 256 bytes.
  std::vector<std::pair<std::string, std::string>> texts = {};
  SchemaOptions options = {};

  bool operator==(const GrammarParts &) const = default;
};

/// Rules over bytes. Immutable: one may be used from several threads at once.
/// All of them can be written to their end, and begin with what is not
/// themselves.
class Grammar {
public:
  /// Reads a text of GBNF, 1 MiB at most. On failure returns null and sets
  /// `error` to one line: `name`, line, what is wrong.
  static std::shared_ptr<const Grammar>
  parse(std::string_view gbnf, std::string_view name, std::string &error);

  /// The JSON that fits `schema` (draft 2020-12, a part of it), 1 MiB at most.
  /// On failure returns null and sets `error` to one line: `name`, where in
  /// the schema, what is not supported or wrong.
  static std::shared_ptr<const Grammar>
  fromJsonSchema(std::string_view schema, const SchemaOptions &options,
                 std::string_view name, std::string &error);

  /// Any JSON object.
  static std::shared_ptr<const Grammar> anyObject(const SchemaOptions &options,
                                                  std::string &error);

  /// As parse(), for which the rules of `parts` are there already. `error`
  /// names `name`, or the rule whose schema or end is wrong.
  static std::shared_ptr<const Grammar> fromParts(const GrammarParts &parts,
                                                  std::string_view name,
                                                  std::string &error);

  explicit Grammar(std::shared_ptr<const grammar::Program> program)
      : rules(std::move(program)) {}
  const std::shared_ptr<const grammar::Program> &program() const {
    return rules;
  }

private:
  std::shared_ptr<const grammar::Program> rules;
};

/// Grammars made into constraints of one model's tokens. What was computed for
/// a grammar is kept for the next request that has it. May be used from
/// several threads at once; constraints from one each.
class GrammarTokens {
public:
  /// `tokenizer` must outlive this object and its constraints. Looks at every
  /// token, once. `endIds` end an answer: without any there is an `error`.
  static std::shared_ptr<GrammarTokens> create(const Tokenizer &tokenizer,
                                               std::span<const int32_t> endIds,
                                               std::string &error);
  virtual ~GrammarTokens() = default;

  /// Only answers of `grammar`, of `maxTokens` tokens at most, the end token
  /// included: where few are left, only tokens stay that keep an end within
  /// reach. Null, and one line in `error`, where even the shortest answer may
  /// take more, or the vocabulary cannot write one byte by byte.
  virtual std::unique_ptr<TokenConstraint>
  constrain(std::shared_ptr<const Grammar> grammar, int64_t maxTokens,
            std::string &error) = 0;

  /// Grammar::parse(), fromJsonSchema(), anyObject(), fromParts(), or what they
  /// gave for the same before: of all together, the 64 used last are kept.
  virtual std::shared_ptr<const Grammar> gbnf(std::string_view text,
                                              std::string &error) = 0;
  virtual std::shared_ptr<const Grammar> schema(std::string_view text,
                                                const SchemaOptions &options,
                                                std::string &error) = 0;
  virtual std::shared_ptr<const Grammar> anyObject(const SchemaOptions &options,
                                                   std::string &error) = 0;
  virtual std::shared_ptr<const Grammar> fromParts(const GrammarParts &parts,
                                                   std::string_view name,
                                                   std::string &error) = 0;
};

} // namespace marimba::rt

#endif // MARIMBA_GRAMMAR_H
