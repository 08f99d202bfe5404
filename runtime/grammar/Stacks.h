//===- Stacks.h - Where in a grammar a text may be --------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GRAMMAR_STACKS_H
#define MARIMBA_RUNTIME_GRAMMAR_STACKS_H

#include "Costs.h"

namespace marimba::rt::grammar {

/// A stack, by its top; equal stacks of one Stacks have equal numbers. 0 is the
/// empty one: the text may end.
using StackId = uint32_t;

/// What is expected next, and what behind that: frames that share what lies
/// below them.
class Stacks {
public:
  /// More at once are cut to those nearest to an end.
  static constexpr size_t kMostStacks = 512;

  struct Frame {
    uint32_t position; // of an element, never an End
    /// Of a repetition: how many are needed and possible, else 0.
    uint32_t need, left;
    StackId below;
  };
  /// What stands for counts beyond the horizon: no token reaches so far.
  static constexpr uint32_t kFar = UINT32_MAX;

  /// Stacks that one expand() looks at, and those that are kept.
  static constexpr size_t kMostLooks = size_t(1) << 14;
  static constexpr size_t kMostFrames = size_t(1) << 20;

  /// Counts above `horizon` become kFar, so that what cannot be told apart
  /// within so many bytes is one stack.
  Stacks(const Program &program, const Costs &costs, uint32_t horizon);

  /// The stacks at the beginning of a text.
  std::vector<StackId> start();

  const Frame &frame(StackId id) const { return frames[id]; }
  /// The fewest tokens to the end.
  uint64_t cost(StackId id) const { return stackCosts[id]; }
  uint64_t cost(const std::vector<StackId> &set) const;
  /// Whether the cost is too high because of a count beyond the horizon.
  bool isFar(StackId id) const { return far[id]; }
  size_t size() const { return frames.size(); }

  /// What a set of stacks expects.
  struct Next {
    /// Whose top is a set of bytes, or a token.
    std::vector<StackId> bytes, tokens;
    bool mayEnd = false;
    /// There were more than kMostLooks: those nearest to an end were looked at.
    bool isCut = false;
  };
  void expand(const std::vector<StackId> &set, Next &next);

  /// The stack behind the top of `id`, which was matched.
  StackId after(StackId id);

  /// Sorts a set, drops what occurs twice; whether more than kMostStacks were
  /// cut.
  bool normalize(std::vector<StackId> &set) const;

  /// The same stack here.
  StackId import(const Stacks &other, StackId id);

private:
  StackId push(uint32_t position, StackId below);
  StackId pushRepeat(uint32_t position, uint32_t need, uint32_t left,
                     StackId below);
  StackId intern(Frame frame);
  void expandTop(StackId id, Next &next);
  uint32_t bounded(uint32_t count) const {
    return count > horizon ? kFar : count;
  }
  void grow();

  const Program *program;
  const Costs *costs;
  uint32_t horizon;
  std::vector<Frame> frames;
  std::vector<uint64_t> stackCosts;
  std::vector<bool> far;
  /// Open addressing; 0 is free.
  std::vector<StackId> table;
  /// Of expand(): those that were looked at in its latest call, and those that
  /// still must be.
  std::vector<uint32_t> visited;
  uint32_t visit = 0;
  std::vector<StackId> open;
};

} // namespace marimba::rt::grammar

#endif // MARIMBA_RUNTIME_GRAMMAR_STACKS_H
