//===- Constraint.h - A grammar and a vocabulary ----------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_CONSTRAINT_H
#define MARIMBA_RUNTIME_GRAMMAR_CONSTRAINT_H

#include "MaskWalk.h"

#include "marimba/Grammar.h"

#include <mutex>

namespace marimba::rt::grammar {

/// What is asked of a tokenizer, once.
struct TokenTable {
  /// By id; empty where a token may not be chosen for its text.
  std::vector<std::string> bytes;
  std::vector<int32_t> endIds;
  TokenTrie trie;
};

/// What all constraints by one grammar share.
class GrammarMasks {
public:
  /// Masks of one grammar take no more.
  static constexpr size_t kMostBytes = size_t(64) << 20;

  /// `tokenIds`: what the program's tokens are; negative where they are not.
  GrammarMasks(std::shared_ptr<const Program> program,
               std::shared_ptr<const TokenTable> table,
               std::vector<int32_t> tokenIds);

  const std::shared_ptr<const Program> &program() const { return rules; }
  const TokenTable &table() const { return *tokens; }
  const std::vector<int32_t> &tokenIds() const { return ids; }
  const std::shared_ptr<const Costs> &costs() const { return ways; }

  /// The tokens that `set`, of `stacks`, allows where an end must be at most
  /// `limit` tokens away. The result may say that it is not exact.
  std::shared_ptr<const Mask>
  mask(const Stacks &stacks, const std::vector<StackId> &set, uint64_t limit);

private:
  std::shared_ptr<const Program> rules;
  std::shared_ptr<const TokenTable> tokens;
  std::vector<int32_t> ids;
  std::shared_ptr<const Costs> ways;
  std::mutex mutex;
  ByteAutomaton automaton;
  std::unordered_map<StateId, std::shared_ptr<const Mask>> masks;
  size_t maskBytes = 0; // of them
};

/// Nothing where `maxTokens` is too few, and one line in `error`.
std::unique_ptr<TokenConstraint>
makeConstraint(std::shared_ptr<GrammarMasks> masks, int64_t maxTokens,
               std::string &error);

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_CONSTRAINT_H
