//===- ByteAutomaton.h - Sets of stacks, byte by byte -----------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_BYTEAUTOMATON_H
#define MARIMBA_RUNTIME_GRAMMAR_BYTEAUTOMATON_H

#include "Stacks.h"
#include "TokenTrie.h"

#include <array>
#include <deque>
#include <unordered_map>

namespace marimba::rt::grammar {

using StateId = uint32_t;

/// Where plain characters lead from a state, whichever they are.
struct PlainRun {
  /// So many may follow, at least; no more than kLongest, or kAlways. Below 0
  /// where nothing is known yet.
  int characters = -1;
  static constexpr int kLongest = TokenTrie::kMostCharacters;
  static constexpr int kAlways = INT32_MAX;
  /// Whether none at all may follow that many.
  bool isEnd = false;
  /// Of the states on the way: whether one is so, and their costs.
  bool isCut = false, isFar = false;
  uint64_t lowestCost = 0, highestCost = 0;
};

/// States are sets of stacks; where they lead is found when it is first asked.
class ByteAutomaton {
public:
  static constexpr StateId kDead = UINT32_MAX;
  /// Beyond this nothing is remembered of longer tokens.
  static constexpr size_t kMostStates = 20000;

  ByteAutomaton(std::shared_ptr<const Program> program,
                std::shared_ptr<const Costs> costs, uint32_t horizon);

  Stacks &stacks() { return pool; }
  /// The state of a normalized set; kDead where that is empty. `isCut`: stacks
  /// are missing.
  StateId stateOf(std::vector<StackId> set, bool isCut = false);
  const std::vector<StackId> &setOf(StateId id) const { return states[id].set; }

  StateId next(StateId id, unsigned char byte) { return (*rowOf(id))[byte]; }
  /// The kinds whose bytes all lead from the state back to it.
  ByteKinds loops(StateId id) {
    rowOf(id);
    return loopsOf[id];
  }
  /// The fewest tokens to an end.
  uint64_t cost(StateId id) const { return costOf[id]; }
  bool isCut(StateId id) const { return states[id].isCut; }
  bool isFar(StateId id) const { return states[id].isFar; }
  bool mayEnd(StateId id) {
    rowOf(id);
    return states[id].mayEnd;
  }
  /// Stacks of the state that expect a token, and what each expects.
  const std::vector<StackId> &tokenStacks(StateId id) {
    rowOf(id);
    return states[id].tokenStacks;
  }
  const TokenMatch &tokenMatch(StackId stack, uint32_t &index) const {
    index = program->elements[pool.frame(stack).position].index;
    return program->tokens[index];
  }
  const PlainRun &plainRun(StateId id) {
    if (runs[id].characters < 0)
      findPlainRun(id);
    return runs[id];
  }

  /// The set behind one byte, or behind one token that a stack expects.
  std::vector<StackId> step(const std::vector<StackId> &set,
                            unsigned char byte);

  size_t stateCount() const { return states.size(); }
  bool isFull() const {
    return states.size() >= kMostStates || pool.size() >= Stacks::kMostFrames;
  }
  void clear();

private:
  struct State {
    std::vector<StackId> set, tokenStacks;
    std::vector<StateId> plainTargets;
    bool knowsPlainTargets = false;
    bool mayEnd = false, isCut = false, isFar = false;
  };

  using Row = std::array<StateId, 256>;

  const Row *rowOf(StateId id) {
    if (!rowAt[id])
      makeRow(id);
    return rowAt[id];
  }
  void makeRow(StateId id);
  void findPlainRun(StateId id);
  /// Where plain characters lead, each once; none where one leads nowhere.
  const std::vector<StateId> &plainTargets(StateId id);
  /// Adds where each plain character leads, or what completes one of which
  /// `utf8` is missing; false where one leads nowhere.
  bool addPlainTargets(StateId id, int utf8, std::vector<StateId> &targets);
  /// Whether some byte that begins a plain character may follow.
  bool takesPlain(StateId id);

  std::shared_ptr<const Program> program;
  std::shared_ptr<const Costs> costs;
  uint32_t horizon;
  Stacks pool;
  std::vector<std::vector<unsigned char>> setBytes;
  std::vector<State> states;
  /// By state, too: what a walk asks for each node.
  std::vector<const Row *> rowAt;
  std::vector<uint64_t> costOf;
  std::vector<ByteKinds> loopsOf;
  std::vector<PlainRun> runs;
  /// Never moved: a large copy would be felt in the middle of an answer.
  std::deque<Row> rows;
  std::unordered_multimap<size_t, StateId> known;
  Stacks::Next expected;
};

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_BYTEAUTOMATON_H
