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

  explicit Grammar(std::shared_ptr<const grammar::Program> program)
      : rules(std::move(program)) {}
  const std::shared_ptr<const grammar::Program> &program() const {
    return rules;
  }

private:
  std::shared_ptr<const grammar::Program> rules;
};

/// A text of GBNF some of whose rules come from elsewhere: what a call of a
/// function is written like, with its arguments.
class GrammarBuilder {
public:
  GrammarBuilder();
  ~GrammarBuilder();
  GrammarBuilder(const GrammarBuilder &) = delete;
  GrammarBuilder &operator=(const GrammarBuilder &) = delete;

  /// Makes `rule` the JSON that fits `schema`. False with `error` as of
  /// Grammar::fromJsonSchema, `rule` for a name.
  bool addSchema(std::string_view rule, std::string_view schema,
                 const SchemaOptions &options, std::string &error);
  /// Makes `rule` any text (valid UTF-8) up to the first `end`, which is its
  /// end, as of thoughts: `</think>`. `end` is not empty.
  bool addTextUntil(std::string_view rule, std::string_view end,
                    std::string &error);
  /// As Grammar::parse(); `gbnf` uses the rules that were added, and defines
  /// others. The builder is then used up.
  std::shared_ptr<const Grammar>
  build(std::string_view gbnf, std::string_view name, std::string &error);

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
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

  /// Grammar::parse(), fromJsonSchema(), anyObject(), or what they gave for
  /// the same text before.
  virtual std::shared_ptr<const Grammar> gbnf(std::string_view text,
                                              std::string &error) = 0;
  virtual std::shared_ptr<const Grammar> schema(std::string_view text,
                                                const SchemaOptions &options,
                                                std::string &error) = 0;
  virtual std::shared_ptr<const Grammar> anyObject(const SchemaOptions &options,
                                                   std::string &error) = 0;
};

} // namespace marimba::rt

#endif // MARIMBA_GRAMMAR_H
