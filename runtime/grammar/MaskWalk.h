//===- MaskWalk.h - The tokens that a state allows --------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_MASKWALK_H
#define MARIMBA_RUNTIME_GRAMMAR_MASKWALK_H

#include "ByteAutomaton.h"

namespace marimba::rt::grammar {

/// Tokens that may come next.
struct Mask {
  TokenBits bits;
  /// No allowed token leads to a state further from an end than this.
  uint64_t highestCost = 0;
  bool mayEnd = false;
  /// Where there are few tokens: each, and how far from an end it leads.
  std::vector<std::pair<int32_t, uint64_t>> costs;
  bool hasCosts = false;
  /// Stacks were missing, or counts beyond the horizon have changed costs.
  bool isCut = false, isFar = false;
  /// The limit has kept tokens out.
  bool isLimited = false;
};

/// The tokens behind which an end is at most `limit` tokens away. `tokenIds`:
/// as of Costs.
Mask walk(ByteAutomaton &automaton, const TokenTrie &trie,
          const std::vector<int32_t> &tokenIds, StateId start, uint64_t limit);

/// Those of `mask`, which has costs, that keep to a lower limit.
Mask within(const Mask &mask, uint64_t limit);

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_MASKWALK_H
