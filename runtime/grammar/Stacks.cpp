//===- Stacks.cpp - Where in a grammar a text may be ----------------------===//

#include "Stacks.h"

#include <algorithm>

namespace marimba::rt::grammar {

using Kind = Element::Kind;

static size_t hashOf(const Stacks::Frame &frame) {
  uint64_t hash = frame.position * 0x9E3779B97F4A7C15ull;
  hash = (hash ^ frame.below) * 0xC2B2AE3D27D4EB4Full;
  hash = (hash ^ frame.need) * 0x9E3779B97F4A7C15ull;
  hash = (hash ^ frame.left) * 0xC2B2AE3D27D4EB4Full;
  return hash ^ (hash >> 29);
}

Stacks::Stacks(const Program &program, const Costs &costs, uint32_t horizon)
    : program(&program), costs(&costs), horizon(horizon), frames(1),
      stackCosts(1), far(1), table(256), visited(1) {}

std::vector<StackId> Stacks::start() {
  std::vector<StackId> set;
  for (uint32_t i = program->firstStart[program->root];
       i < program->firstStart[program->root + 1]; ++i)
    if (costs->from(program->starts[i]) < kNoEnd)
      set.push_back(push(program->starts[i], 0));
  normalize(set);
  return set;
}

uint64_t Stacks::cost(const std::vector<StackId> &set) const {
  uint64_t least = kNoEnd;
  for (StackId id : set)
    least = std::min(least, stackCosts[id]);
  return least;
}

StackId Stacks::push(uint32_t position, StackId below) {
  const Element &element = program->elements[position];
  if (element.kind == Kind::End)
    return below;
  if (element.kind == Kind::Repeat)
    return pushRepeat(position, element.least, element.most, below);
  return intern({position, 0, 0, below});
}

StackId Stacks::pushRepeat(uint32_t position, uint32_t need, uint32_t left,
                           StackId below) {
  if (left == 0)
    return push(position + 1, below);
  return intern({position, bounded(need), bounded(left), below});
}

StackId Stacks::intern(Frame frame) {
  if (frames.size() * 2 > table.size())
    grow();
  size_t mask = table.size() - 1, at = hashOf(frame) & mask;
  for (; table[at] != 0; at = (at + 1) & mask) {
    const Frame &other = frames[table[at]];
    if (other.position == frame.position && other.below == frame.below &&
        other.need == frame.need && other.left == frame.left)
      return table[at];
  }
  auto id = static_cast<StackId>(frames.size());
  table[at] = id;
  frames.push_back(frame);
  uint64_t own = costs->from(frame.position);
  const Element &element = program->elements[frame.position];
  bool isFar = element.kind == Kind::Repeat && frame.need == kFar;
  if (element.kind == Kind::Repeat)
    own = Costs::add(Costs::times(costs->ofRule(element.index),
                                  isFar ? horizon + uint64_t(1) : frame.need),
                     costs->from(frame.position + 1));
  stackCosts.push_back(Costs::add(own, stackCosts[frame.below]));
  far.push_back(isFar || far[frame.below]);
  visited.push_back(0);
  return id;
}

void Stacks::grow() {
  table.assign(table.size() * 2, 0);
  size_t mask = table.size() - 1;
  for (StackId id = 1; id < frames.size(); ++id) {
    size_t at = hashOf(frames[id]) & mask;
    while (table[at] != 0)
      at = (at + 1) & mask;
    table[at] = id;
  }
}

void Stacks::expand(const std::vector<StackId> &set, Next &next) {
  next.bytes.clear();
  next.tokens.clear();
  next.mayEnd = next.isCut = false;
  if (++visit == 0) {
    std::ranges::fill(visited, 0);
    visit = 1;
  }
  // Rules that stand for each other in many ways may make more stacks than
  // there is memory for: the way to an end is found first.
  auto nearestLast = [&](StackId a, StackId b) {
    return stackCosts[a] > stackCosts[b];
  };
  open.assign(set.rbegin(), set.rend());
  std::sort(open.begin(), open.end(), nearestLast);
  for (size_t looks = 0; !open.empty(); ++looks) {
    if (looks >= kMostLooks) {
      next.isCut = true;
      return;
    }
    StackId id = open.back();
    open.pop_back();
    if (visited[id] == visit)
      continue;
    visited[id] = visit;
    if (id == 0) {
      next.mayEnd = true;
      continue;
    }
    size_t first = open.size();
    expandTop(id, next);
    std::sort(open.begin() + static_cast<ptrdiff_t>(first), open.end(),
              nearestLast);
  }
}

void Stacks::expandTop(StackId id, Next &next) {
  Frame frame = frames[id];
  const Element &element = program->elements[frame.position];
  StackId back = 0;
  switch (element.kind) {
  case Kind::End:
    return;
  case Kind::Bytes:
    next.bytes.push_back(id);
    return;
  case Kind::Token:
    next.tokens.push_back(id);
    return;
  case Kind::Rule:
    back = push(frame.position + 1, frame.below);
    break;
  case Kind::Repeat:
    if (frame.need == 0)
      open.push_back(push(frame.position + 1, frame.below));
    if (costs->ofRule(element.index) == kNoEnd)
      return;
    back = pushRepeat(frame.position,
                      frame.need == 0 || frame.need == kFar ? frame.need
                                                            : frame.need - 1,
                      frame.left == kFar ? kFar : frame.left - 1, frame.below);
    break;
  }
  for (uint32_t i = program->firstStart[element.index];
       i < program->firstStart[element.index + 1]; ++i)
    if (costs->from(program->starts[i]) < kNoEnd)
      open.push_back(push(program->starts[i], back));
}

StackId Stacks::after(StackId id) {
  Frame frame = frames[id];
  return push(frame.position + 1, frame.below);
}

bool Stacks::normalize(std::vector<StackId> &set) const {
  std::sort(set.begin(), set.end());
  set.erase(std::ranges::unique(set).begin(), set.end());
  if (set.size() <= kMostStacks)
    return false;
  std::sort(set.begin(), set.end(), [&](StackId a, StackId b) {
    return std::pair(stackCosts[a], a) < std::pair(stackCosts[b], b);
  });
  set.resize(kMostStacks);
  std::sort(set.begin(), set.end());
  return true;
}

StackId Stacks::import(const Stacks &other, StackId id) {
  std::vector<StackId> way;
  for (; id != 0; id = other.frames[id].below)
    way.push_back(id);
  StackId result = 0;
  for (; !way.empty(); way.pop_back()) {
    Frame frame = other.frames[way.back()];
    frame.below = result;
    frame.need = bounded(frame.need);
    frame.left = bounded(frame.left);
    result = intern(frame);
  }
  return result;
}

} // namespace marimba::rt::grammar
