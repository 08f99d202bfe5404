//===- ByteAutomaton.cpp - Sets of stacks, byte by byte -------------------===//

#include "ByteAutomaton.h"

#include <algorithm>
#include <array>

namespace marimba::rt::grammar {

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
  runs.push_back(-1);
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
  }
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

bool ByteAutomaton::completes(StateId id, int utf8, StateId target) {
  if (utf8 == Utf8State::kBetween)
    return id == target;
  if (id == kDead)
    return false;
  StateId latest = kDead;
  int latestState = -1;
  for (unsigned byte = 0x80; byte < 0xC0; ++byte) {
    int state = Utf8State::next(utf8, static_cast<unsigned char>(byte));
    if (state == Utf8State::kWrong)
      continue;
    StateId to = next(id, static_cast<unsigned char>(byte));
    if (to == latest && state == latestState)
      continue;
    if (!completes(to, state, target))
      return false;
    latest = to;
    latestState = state;
  }
  return true;
}

StateId ByteAutomaton::findPlainTarget(StateId id) {
  StateId target = next(id, ' ');
  if (target == kDead)
    return kDead;
  for (unsigned byte = 0x20; byte < 0x7F; ++byte)
    if (isPlainAscii(static_cast<unsigned char>(byte)) &&
        next(id, static_cast<unsigned char>(byte)) != target)
      return kDead;
  StateId latest = kDead;
  int latestState = -1;
  for (unsigned byte = 0xC2; byte <= 0xF4; ++byte) {
    int state = Utf8State::next(0, static_cast<unsigned char>(byte));
    StateId to = next(id, static_cast<unsigned char>(byte));
    if (to == latest && state == latestState)
      continue;
    if (!completes(to, state, target))
      return kDead;
    latest = to;
    latestState = state;
  }
  return target;
}

StateId ByteAutomaton::plainTarget(StateId id) {
  if (!states[id].knowsPlainTarget) {
    StateId target = findPlainTarget(id);
    states[id].plainTarget = target;
    states[id].knowsPlainTarget = true;
  }
  return states[id].plainTarget;
}

int ByteAutomaton::findPlainRun(StateId id) {
  int run = 0;
  for (StateId at = id; run < kLongestRun;) {
    StateId target = plainTarget(at);
    if (target == at)
      run = kAlways;
    if (target == at || target == kDead)
      break;
    at = target;
    ++run;
  }
  return runs[id] = run;
}

bool ByteAutomaton::endsBehindRun(StateId id) {
  int run = plainRun(id);
  if (run >= kLongestRun)
    return false;
  StateId last = id;
  for (; run > 0; --run)
    last = plainTarget(last);
  for (unsigned byte = 0; byte < 256; ++byte) {
    bool isPlain = byte < 0x80 ? isPlainAscii(static_cast<unsigned char>(byte))
                               : byte >= 0xC2;
    if (isPlain && next(last, static_cast<unsigned char>(byte)) != kDead)
      return false;
  }
  return true;
}

} // namespace marimba::rt::grammar
