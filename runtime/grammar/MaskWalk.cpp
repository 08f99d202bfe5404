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
    mask.hasCosts = true;
    startWithPlain();
    walkBytes();
    walkTokens(tokenIds);
    return std::move(mask);
  }

private:
  /// More are not kept one by one.
  static constexpr size_t kMostCosts = 4096;

  bool allows(uint64_t cost) const { return cost <= limit; }
  void raise(uint64_t cost) {
    mask.highestCost = std::max(mask.highestCost, cost);
  }
  /// No plain character makes the way to the end longer, but for the bytes
  /// that an unfinished one lacks.
  uint64_t costBehindPlain(StateId id, bool isWhole) const {
    return isWhole ? automaton.cost(id) : Costs::add(automaton.cost(id), 3);
  }

  /// In a text that goes on as it likes, or so many characters still, the
  /// plain tokens that fit at once.
  void startWithPlain() {
    int run = automaton.plainRun(start);
    if (run == 0)
      return;
    for (bool isWhole : {false, true})
      if (allows(costBehindPlain(start, isWhole))) {
        mask.bits = trie.plain(run, isWhole);
        raise(costBehindPlain(start, isWhole));
        bool isAll =
            run == ByteAutomaton::kAlways || automaton.endsBehindRun(start);
        hasAllWhole = isAll;
        hasAllParts = isAll && !isWhole;
        mask.hasCosts = false;
        return;
      }
  }

  /// Whether nothing below `node` needs a look: as text in `before`, all or
  /// nothing is allowed.
  bool isDone(const TokenTrie::Node &node, StateId before) {
    if (!node.isPlain)
      return false;
    if (node.isPlainFromStart && (node.isWhole ? hasAllWhole : hasAllParts))
      return true;
    int run = automaton.plainRun(before);
    if (run < node.height)
      return false;
    uint64_t cost = costBehindPlain(before, node.isWhole);
    if (!allows(cost))
      return run == ByteAutomaton::kAlways && !allows(automaton.cost(before));
    raise(cost);
    setTokens(node.firstToken, trie.nodes()[node.skip].firstToken);
    mask.hasCosts = false;
    return true;
  }

  void setTokens(uint32_t first, uint32_t end) {
    const std::vector<int32_t> &ids = trie.tokens();
    for (uint32_t i = first; i < end; ++i)
      setBit(mask.bits, ids[i]);
  }

  void walkBytes() {
    const std::vector<TokenTrie::Node> &nodes = trie.nodes();
    std::vector<StateId> states(TokenTrie::kLongest + 1);
    states[0] = start;
    for (size_t i = 0, count = trie.nodeCount(); i < count;) {
      const TokenTrie::Node &node = nodes[i];
      StateId before = states[node.depth - 1u];
      if (isDone(node, before)) {
        i = node.skip;
        continue;
      }
      StateId now = automaton.next(before, node.byte);
      // Each further byte is one step nearer to the end at most.
      if (now == ByteAutomaton::kDead ||
          (node.depth > 1 && automaton.isFull()) ||
          (isLimited && automaton.cost(now) >= limit + node.height)) {
        i = node.skip;
        continue;
      }
      states[node.depth] = now;
      uint32_t end = nodes[++i].firstToken;
      if (end != node.firstToken && allows(automaton.cost(now))) {
        setTokens(node.firstToken, end);
        note(now, node.firstToken, end);
      }
    }
  }

  void note(StateId now, uint32_t first, uint32_t end) {
    uint64_t cost = automaton.cost(now);
    raise(cost);
    mask.isCut |= automaton.isCut(now);
    mask.isFar |= automaton.isFar(now);
    for (uint32_t i = first; mask.hasCosts && i < end; ++i)
      noteCost(trie.tokens()[i], cost);
  }
  void noteCost(int32_t id, uint64_t cost) {
    mask.hasCosts = mask.hasCosts && mask.costs.size() < kMostCosts;
    if (mask.hasCosts)
      mask.costs.emplace_back(id, cost);
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
        noteCost(id, cost);
        continue;
      }
      mask.hasCosts = false;
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
  bool isLimited = limit < kNoEnd;
  /// Of tokens that are plain from their beginning, all that fit are set: those
  /// of whole characters; those that end with a part of one, too.
  bool hasAllWhole = false, hasAllParts = false;
  Mask mask;
};

} // namespace

Mask walk(ByteAutomaton &automaton, const TokenTrie &trie,
          const std::vector<int32_t> &tokenIds, StateId start, uint64_t limit) {
  return Walk(automaton, trie, start, limit).run(tokenIds);
}

Mask within(const Mask &mask, uint64_t limit) {
  Mask result;
  result.bits.assign(mask.bits.size(), 0);
  result.mayEnd = mask.mayEnd;
  for (auto [id, cost] : mask.costs)
    if (cost <= limit) {
      setBit(result.bits, id);
      result.highestCost = std::max(result.highestCost, cost);
    }
  return result;
}

} // namespace marimba::rt::grammar
