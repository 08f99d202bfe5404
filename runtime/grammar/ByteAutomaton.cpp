//===- ByteAutomaton.cpp - Sets of stacks, byte by byte -------------------===//

#include "ByteAutomaton.h"

#include <algorithm>
#include <array>

namespace marimba::rt::grammar {

/// A run that leads to more states is taken to end before them: to look at each
/// costs as much as to walk through hundreds of tokens.
static constexpr size_t kMostPlainStates = 64;

/// Whether a plain character may begin with `byte`.
static bool beginsPlain(unsigned char byte) {
  return byte < 0x80 ? isPlainAscii(byte) : byte >= 0xC2 && byte <= 0xF4;
}

static void makeUnique(std::vector<StateId> &ids) {
  std::ranges::sort(ids);
  auto repeated = std::ranges::unique(ids);
  ids.erase(repeated.begin(), repeated.end());
}

ByteAutomaton::ByteAutomaton(std::shared_ptr<const Program> given,
                             std::shared_ptr<const Costs> givenCosts,
                             uint32_t horizon)
    : program(std::move(given)), costs(std::move(givenCosts)), horizon(horizon),
      pool(*program, *costs, horizon) {
  for (const ByteSet &set : program->sets) {
    std::vector<unsigned char> &bytes = setBytes.emplace_back();
    for (unsigned byte = 0; byte < 256; ++byte)
      if (set[byte])
        bytes.push_back(static_cast<unsigned char>(byte));
  }
}

void ByteAutomaton::clear() {
  pool = Stacks(*program, *costs, horizon);
  states.clear();
  rowAt.clear();
  costOf.clear();
  loopsOf.clear();
  runs.clear();
  rows.clear();
  known.clear();
}

StateId ByteAutomaton::stateOf(std::vector<StackId> set, bool isCut) {
  if (set.empty())
    return kDead;
  size_t hash = set.size();
  for (StackId id : set)
    hash = (hash ^ id) * 0x9E3779B97F4A7C15ull;
  auto [begin, end] = known.equal_range(hash);
  for (auto it = begin; it != end; ++it)
    if (states[it->second].set == set) {
      states[it->second].isCut |= isCut;
      return it->second;
    }
  auto id = static_cast<StateId>(states.size());
  State &state = states.emplace_back();
  costOf.push_back(pool.cost(set));
  runs.emplace_back();
  loopsOf.push_back(0);
  state.isCut = isCut;
  for (StackId stack : set)
    state.isFar |= pool.isFar(stack);
  state.set = std::move(set);
  rowAt.push_back(nullptr);
  known.emplace(hash, id);
  return id;
}

void ByteAutomaton::makeRow(StateId id) {
  pool.expand(states[id].set, expected);
  states[id].mayEnd = expected.mayEnd;
  states[id].tokenStacks = expected.tokens;
  std::vector<StackId> tops = expected.bytes;
  bool isCut = states[id].isCut || expected.isCut;
  // Bytes that the same tops take lead to the same state.
  std::array<uint32_t, 256> classes{};
  uint32_t classCount = 1;
  std::vector<uint32_t> split;
  auto bytesOf = [&](StackId top) -> const std::vector<unsigned char> & {
    return setBytes[program->elements[pool.frame(top).position].index];
  };
  for (StackId top : tops) {
    split.assign(classCount, 0);
    for (unsigned char byte : bytesOf(top)) {
      uint32_t &to = split[classes[byte]];
      if (to == 0)
        to = classCount++;
      classes[byte] = to;
    }
  }
  std::vector<StateId> targets(classCount, kDead);
  std::vector<bool> isDone(classCount);
  isDone[0] = true;
  Row row;
  ByteKinds leaving = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    uint32_t which = classes[byte];
    if (!isDone[which]) {
      std::vector<StackId> set;
      for (StackId top : tops)
        if (program
                ->sets[program->elements[pool.frame(top).position].index][byte])
          set.push_back(pool.after(top));
      bool cut = pool.normalize(set);
      targets[which] = stateOf(std::move(set), cut || isCut);
      isDone[which] = true;
    }
    row[byte] = targets[which];
    if (row[byte] != id)
      leaving |= kindOf(static_cast<unsigned char>(byte));
  }
  loopsOf[id] = static_cast<ByteKinds>(~leaving);
  rows.push_back(row);
  rowAt[id] = &rows.back();
}

std::vector<StackId> ByteAutomaton::step(const std::vector<StackId> &set,
                                         unsigned char byte) {
  pool.expand(set, expected);
  std::vector<StackId> result;
  for (StackId top : expected.bytes)
    if (program->sets[program->elements[pool.frame(top).position].index][byte])
      result.push_back(pool.after(top));
  pool.normalize(result);
  return result;
}

bool ByteAutomaton::addPlainTargets(StateId id, int utf8,
                                    std::vector<StateId> &targets) {
  // Of the other bytes none goes on so.
  bool isFirst = utf8 == Utf8State::kBetween;
  unsigned begin = isFirst ? 0x20 : 0x80, end = isFirst ? 0xF5 : 0xC0;
  StateId latest = kDead;
  int latestState = -1;
  for (unsigned byte = begin; byte < end; ++byte) {
    auto each = static_cast<unsigned char>(byte);
    int state = Utf8State::next(utf8, each);
    if (state == Utf8State::kWrong || (byte < 0x80 && !isPlainAscii(each)))
      continue;
    StateId to = next(id, each);
    if (to == latest && state == latestState)
      continue;
    if (to == kDead)
      return false;
    if (state == Utf8State::kBetween)
      targets.push_back(to);
    else if (!addPlainTargets(to, state, targets))
      return false;
    latest = to;
    latestState = state;
  }
  return true;
}

const std::vector<StateId> &ByteAutomaton::plainTargets(StateId id) {
  if (!states[id].knowsPlainTargets) {
    std::vector<StateId> targets;
    if (!addPlainTargets(id, Utf8State::kBetween, targets))
      targets.clear();
    makeUnique(targets);
    states[id].plainTargets = std::move(targets);
    states[id].knowsPlainTargets = true;
  }
  return states[id].plainTargets;
}

bool ByteAutomaton::takesPlain(StateId id) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    auto each = static_cast<unsigned char>(byte);
    if (beginsPlain(each) && next(id, each) != kDead)
      return true;
  }
  return false;
}

/// Looks at all states that one character more leads to, until one is nowhere
/// or there is no new one.
void ByteAutomaton::findPlainRun(StateId id) {
  PlainRun run;
  run.characters = 0;
  run.lowestCost = UINT64_MAX;
  std::vector<StateId> seen, level = {id};
  bool hasReturned = false;
  for (;;) {
    for (StateId at : level) {
      run.isCut |= isCut(at);
      run.isFar |= isFar(at);
      run.lowestCost = std::min(run.lowestCost, cost(at));
      run.highestCost = std::max(run.highestCost, cost(at));
    }
    seen.insert(seen.end(), level.begin(), level.end());
    if (run.characters == PlainRun::kLongest)
      break;
    std::vector<StateId> behind;
    bool isAlive = std::ranges::all_of(level, [&](StateId at) {
      const std::vector<StateId> &targets = plainTargets(at);
      behind.insert(behind.end(), targets.begin(), targets.end());
      return !targets.empty();
    });
    if (!isAlive) {
      run.isEnd = !hasReturned && std::ranges::none_of(level, [&](StateId at) {
        return takesPlain(at);
      });
      break;
    }
    makeUnique(behind);
    hasReturned |= std::erase_if(behind, [&](StateId at) {
                     return std::ranges::find(seen, at) != seen.end();
                   }) != 0;
    if (behind.empty()) {
      run.characters = PlainRun::kAlways;
      break;
    }
    if (seen.size() + behind.size() > kMostPlainStates)
      break;
    ++run.characters;
    level = std::move(behind);
  }
  runs[id] = run;
}

} // namespace marimba::rt::grammar
