//===- StatePool.h - The states of a session's slots ------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CORE_STATEPOOL_H
#define MARIMBA_RUNTIME_CORE_STATEPOOL_H

#include "marimba/Description.h"
#include "marimba/Tensor.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

/// One tensor [slots, ...] for each state of a description. A further dynamic
/// size is the capacity in tokens, the same for all tensors and slots.
class StatePool {
public:
  /// `specs` as Description checks them. Null and `error` without memory.
  static std::unique_ptr<StatePool> create(std::vector<ArgSpec> specs,
                                           int32_t slots, int64_t capacity,
                                           std::string &error);

  /// Makes the capacity at least `tokens`, at least doubling it. What the
  /// slots hold stays: `held` tokens of each. False and `error` without memory:
  /// nothing changed then.
  bool reserve(int64_t tokens, std::span<const int64_t> held,
               std::string &error);
  /// Back to zeros, the empty sequence, where the slot held at most `tokens`
  /// tokens: what was never written stays untouched, and is no memory yet.
  void reset(int32_t slot, int64_t tokens);
  /// Bytes of one token in the states that grow, of all states of the slots
  /// that do not.
  int64_t bytesPerToken() const;
  int64_t fixedBytes() const;

  int64_t capacity() const { return tokenCapacity; }
  /// Index of a state by name, or -1.
  int64_t find(std::string_view name) const;
  /// Number of states.
  size_t size() const { return states.size(); }
  /// A state as one sequence of `tokens` tokens has it, without the slots.
  TensorSpec sequence(size_t index, int64_t tokens) const;
  /// Where it lies in `slot`: parts that are its elements in row-major order.
  /// `tokens` is at most the capacity.
  std::vector<std::span<char>> parts(size_t index, int32_t slot,
                                     int64_t tokens) const;
  /// The slots [first, first + count) of one state.
  MarimbaTensor view(size_t index, int32_t first, int32_t count) const;

private:
  struct State {
    ArgSpec spec;
    AlignedBuffer buffer;
    size_t tokenDim = 0; // 0: none
  };
  /// A state that grows: its rows of tokens, and the bytes of one token there.
  struct Rows {
    int64_t count, perToken;
  };
  Rows rows(const State &state) const;
  /// The static shape at `capacity` tokens.
  std::vector<int64_t> shape(const State &state, int64_t capacity) const;
  /// Zeroed memory for that shape.
  bool allocate(const State &state, int64_t capacity, AlignedBuffer &buffer,
                std::string &error) const;

  std::vector<State> states;
  int32_t slotCount = 0;
  int64_t tokenCapacity = 0;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_STATEPOOL_H
