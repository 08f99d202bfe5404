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

  /// Whether `cost` is within the limit; notes where it is not. `isFar`: it is
  /// too high.
  bool allows(uint64_t cost, bool isFar) {
    if (cost <= limit)
      return true;
    mask.isLimited = true;
    mask.isFar |= isFar;
    return false;
  }
  void raise(uint64_t cost) {
    mask.highestCost = std::max(mask.highestCost, cost);
  }
  /// The most that a token of plain characters leaves to the end: a part of one
  /// lacks some bytes more.
  static uint64_t costBehind(const PlainRun &run, bool isWhole) {
    return isWhole ? run.highestCost : Costs::add(run.highestCost, 3);
  }
  void notePlain(const PlainRun &run, bool isWhole) {
    raise(costBehind(run, isWhole));
    mask.isCut |= run.isCut;
    mask.isFar |= run.isFar;
    mask.hasCosts = false;
  }

  /// In a text that goes on as it likes, or so many characters still, the
  /// plain tokens that fit at once.
  void startWithPlain() {
    const PlainRun &run = automaton.plainRun(start);
    if (run.characters == 0)
      return;
    for (bool isWhole : {false, true})
      if (costBehind(run, isWhole) <= limit) {
        mask.bits = trie.plain(run.characters, isWhole);
        notePlain(run, isWhole);
        hasWhole = run.isEnd ? PlainRun::kAlways : run.characters;
        hasParts = isWhole ? 0 : hasWhole;
        return;
      }
  }

  /// Whether nothing below `node` needs a look: in `before`, all or nothing is
  /// allowed.
  bool isDone(const TokenTrie::Node &node, StateId before) {
    if (node.isPlainFromStart &&
        node.allCharacters <= (node.isWhole ? hasWhole : hasParts))
      return true;
    if ((node.kinds & ~automaton.loops(before)) == 0) {
      if (allows(automaton.cost(before), automaton.isFar(before)))
        allow(before, node.firstToken, trie.nodes()[node.skip].firstToken);
      return true;
    }
    if (!node.isPlain)
      return false;
    const PlainRun &run = automaton.plainRun(before);
    if (run.characters < node.characters)
      return false;
    if (costBehind(run, node.isWhole) > limit)
      return run.characters == PlainRun::kAlways &&
             !allows(run.lowestCost, run.isFar);
    notePlain(run, node.isWhole);
    setTokens(node.firstToken, trie.nodes()[node.skip].firstToken);
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
      if (now == ByteAutomaton::kDead ||
          (node.depth > 1 && automaton.isFull())) {
        i = node.skip;
        continue;
      }
      uint64_t cost = automaton.cost(now);
      // Each further byte is one step nearer to the end at most.
      if (hasLimit && cost >= limit + node.height) {
        allows(cost, automaton.isFar(now));
        i = node.skip;
        continue;
      }
      states[node.depth] = now;
      uint32_t end = nodes[++i].firstToken;
      if (end != node.firstToken && allows(cost, automaton.isFar(now)))
        allow(now, node.firstToken, end);
    }
  }

  /// Tokens that lead to `now`.
  void allow(StateId now, uint32_t first, uint32_t end) {
    setTokens(first, end);
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
      if (!allows(cost, automaton.stacks().isFar(behind)))
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
  bool hasLimit = limit < kNoEnd;
  /// Tokens of so many characters that are plain from their beginning are set
  /// where they fit: of whole characters; those that end with a part of one,
  /// too.
  int hasWhole = 0, hasParts = 0;
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
