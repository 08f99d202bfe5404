//===- MaskWalk.cpp - The tokens that a state allows ----------------------===//

#include "MaskWalk.h"

#include <algorithm>

namespace marimba::rt::grammar {

namespace {

class Walk {
public:
  Walk(ByteAutomaton &automaton, const TokenTrie &trie, StateId start,
       uint64_t limit)
      : automaton(automaton), trie(trie), start(start), limit(limit) {}

  Mask run(const std::vector<int32_t> &tokenIds) {
    mask.bits.assign(trie.words(), 0);
    mask.mayEnd = automaton.mayEnd(start);
    mask.isCut = automaton.isCut(start);
    mask.isFar = automaton.isFar(start);
    isPlainStart = automaton.plainRun(start) == ByteAutomaton::kAlways &&
                   allows(costBehindPlain(start));
    if (isPlainStart) {
      mask.bits = trie.plain();
      raise(costBehindPlain(start));
    }
    walkBytes();
    walkTokens(tokenIds);
    return std::move(mask);
  }

private:
  bool allows(uint64_t cost) const { return cost <= limit; }
  void raise(uint64_t cost) {
    mask.highestCost = std::max(mask.highestCost, cost);
  }
  /// No plain character makes the way to the end longer, but for the bytes
  /// that an unfinished one lacks.
  uint64_t costBehindPlain(StateId id) const {
    return Costs::add(automaton.cost(id), 3);
  }

  void setTokens(uint32_t first, uint32_t end) {
    const std::vector<int32_t> &ids = trie.tokens();
    for (uint32_t i = first; i < end; ++i)
      setBit(mask.bits, ids[i]);
  }

  /// Whether all at and below `node` is allowed, as text in `before`.
  bool takesPlain(const TokenTrie::Node &node, StateId before) {
    if (!node.isPlain || automaton.plainRun(before) < node.height)
      return false;
    if (!allows(costBehindPlain(before)))
      return false;
    if (!(isPlainStart && before == start && node.isPlainFromStart)) {
      raise(costBehindPlain(before));
      setTokens(node.firstToken, trie.nodes()[node.skip].firstToken);
    }
    return true;
  }

  void walkBytes() {
    const std::vector<TokenTrie::Node> &nodes = trie.nodes();
    std::vector<StateId> states(TokenTrie::kLongest + 1);
    states[0] = start;
    for (size_t i = 0, count = trie.nodeCount(); i < count;) {
      const TokenTrie::Node &node = nodes[i];
      StateId before = states[node.depth - 1u];
      if (takesPlain(node, before)) {
        i = node.skip;
        continue;
      }
      StateId now = automaton.next(before, node.byte);
      // Each further byte is one step nearer at most.
      if (now == ByteAutomaton::kDead ||
          !allows(automaton.cost(now) -
                  std::min<uint64_t>(automaton.cost(now), node.height - 1u)) ||
          (node.depth > 1 && automaton.isFull())) {
        i = node.skip;
        continue;
      }
      states[node.depth] = now;
      if (uint32_t end = nodes[i + 1].firstToken;
          end != node.firstToken && allows(automaton.cost(now))) {
        setTokens(node.firstToken, end);
        note(now);
      }
      ++i;
    }
  }

  void note(StateId now) {
    raise(automaton.cost(now));
    mask.isCut |= automaton.isCut(now);
    mask.isFar |= automaton.isFar(now);
  }

  void walkTokens(const std::vector<int32_t> &tokenIds) {
    std::vector<StackId> stacks = automaton.tokenStacks(start);
    for (StackId stack : stacks) {
      uint32_t index;
      const TokenMatch &match = automaton.tokenMatch(stack, index);
      StackId behind = automaton.stacks().after(stack);
      uint64_t cost = automaton.stacks().cost(behind);
      if (!allows(cost))
        continue;
      raise(cost);
      mask.isFar |= automaton.stacks().isFar(behind);
      int32_t id = tokenIds[index];
      if (!match.isNegated) {
        setBit(mask.bits, id);
        continue;
      }
      bool had = hasBit(mask.bits, id);
      for (size_t word = 0; word < mask.bits.size(); ++word)
        mask.bits[word] |= trie.all()[word];
      if (id >= 0 && !had)
        mask.bits[static_cast<size_t>(id) / 64] &= ~(uint64_t(1) << (id % 64));
    }
  }

  ByteAutomaton &automaton;
  const TokenTrie &trie;
  StateId start;
  uint64_t limit;
  bool isPlainStart = false;
  Mask mask;
};

} // namespace

Mask walk(ByteAutomaton &automaton, const TokenTrie &trie,
          const std::vector<int32_t> &tokenIds, StateId start, uint64_t limit) {
  return Walk(automaton, trie, start, limit).run(tokenIds);
}

} // namespace marimba::rt::grammar
