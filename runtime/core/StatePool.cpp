//===- StatePool.cpp - Allocation and growth of states --------------------===//

#include "StatePool.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace marimba::rt {

std::unique_ptr<StatePool> StatePool::create(std::vector<ArgSpec> specs,
                                             int32_t slots, int64_t capacity,
                                             std::string &error) {
  auto pool = std::make_unique<StatePool>();
  pool->slotCount = slots;
  pool->tokenCapacity = capacity;
  for (ArgSpec &spec : specs) {
    State state;
    state.spec = std::move(spec);
    for (size_t i = 1; i < state.spec.shape.size(); ++i)
      if (state.spec.shape[i] < 0)
        state.tokenDim = i;
    if (!pool->allocate(state, capacity, state.buffer, error))
      return nullptr;
    pool->states.push_back(std::move(state));
  }
  return pool;
}

std::vector<int64_t> StatePool::shape(const State &state,
                                      int64_t capacity) const {
  std::vector<int64_t> result = state.spec.shape;
  result[0] = slotCount;
  if (state.tokenDim)
    result[state.tokenDim] = capacity;
  return result;
}

bool StatePool::allocate(const State &state, int64_t capacity,
                         AlignedBuffer &buffer, std::string &error) const {
  std::vector<int64_t> sizes = shape(state, capacity);
  std::optional<int64_t> count = elementCount(sizes);
  int64_t bytes = 0;
  std::optional<AlignedBuffer> made;
  if (count &&
      !__builtin_mul_overflow(*count, dtypeSize(state.spec.dtype), &bytes))
    made = AlignedBuffer::zeroed(bytes);
  if (!made) {
    error = "no memory for the state '" + state.spec.name + "', " +
            std::string(dtypeName(state.spec.dtype)) + " " + shapeText(sizes);
    return false;
  }
  buffer = std::move(*made);
  return true;
}

bool StatePool::reserve(int64_t tokens, std::span<const int64_t> held,
                        std::string &error) {
  if (tokens <= tokenCapacity)
    return true;
  int64_t doubled = tokenCapacity > std::numeric_limits<int64_t>::max() / 2
                        ? tokens
                        : tokenCapacity * 2;
  // Whole cache lines of tokens.
  int64_t grown = (std::max(tokens, doubled) + 63) / 64 * 64;
  // Address space; memory only as tokens are copied, one state after another.
  std::vector<AlignedBuffer> buffers(states.size());
  for (size_t i = 0; i < states.size(); ++i)
    if (states[i].tokenDim && !allocate(states[i], grown, buffers[i], error))
      return false;
  for (size_t i = 0; i < states.size(); ++i) {
    State &state = states[i];
    if (!state.tokenDim)
      continue;
    auto [count, perToken] = rows(state);
    for (int64_t row = 0; row < count; ++row) {
      // What a slot does not hold was never written, and stays no memory.
      int64_t used = held[static_cast<size_t>(row / (count / slotCount))];
      std::memcpy(buffers[i].data() + row * grown * perToken,
                  state.buffer.data() + row * tokenCapacity * perToken,
                  static_cast<size_t>(used * perToken));
    }
    state.buffer = std::move(buffers[i]);
  }
  tokenCapacity = grown;
  return true;
}

StatePool::Rows StatePool::rows(const State &state) const {
  std::vector<int64_t> sizes = shape(state, tokenCapacity);
  std::span<const int64_t> all(sizes);
  return {*elementCount(all.first(state.tokenDim)),
          *elementCount(all.subspan(state.tokenDim + 1)) *
              dtypeSize(state.spec.dtype)};
}

void StatePool::reset(int32_t slot, int64_t tokens) {
  for (State &state : states) {
    int64_t bytes = state.buffer.size() / slotCount;
    char *begin = state.buffer.data() + slot * bytes;
    if (!state.tokenDim) {
      std::memset(begin, 0, static_cast<size_t>(bytes));
      continue;
    }
    auto [count, perToken] = rows(state);
    int64_t used = std::min(tokens, tokenCapacity) * perToken;
    for (int64_t row = 0; row < count / slotCount; ++row)
      std::memset(begin + row * tokenCapacity * perToken, 0,
                  static_cast<size_t>(used));
  }
}

int64_t StatePool::bytesPerToken() const {
  int64_t sum = 0;
  for (const State &state : states)
    if (state.tokenDim) {
      auto [count, perToken] = rows(state);
      sum += count / slotCount * perToken;
    }
  return sum;
}

int64_t StatePool::fixedBytes() const {
  int64_t sum = 0;
  for (const State &state : states)
    if (!state.tokenDim)
      sum += state.buffer.size();
  return sum;
}

int64_t StatePool::find(std::string_view name) const {
  for (size_t i = 0; i < states.size(); ++i)
    if (states[i].spec.name == name)
      return static_cast<int64_t>(i);
  return -1;
}

TensorSpec StatePool::sequence(size_t index, int64_t tokens) const {
  const State &state = states[index];
  TensorSpec result = state.spec;
  if (state.tokenDim)
    result.shape[state.tokenDim] = tokens;
  result.shape.erase(result.shape.begin());
  return result;
}

std::vector<std::span<char>> StatePool::parts(size_t index, int32_t slot,
                                              int64_t tokens) const {
  const State &state = states[index];
  int64_t slotBytes = state.buffer.size() / slotCount;
  char *begin = state.buffer.data() + slot * slotBytes;
  if (!state.tokenDim)
    return {{begin, static_cast<size_t>(slotBytes)}};
  // Of every row in front of the tokens' dimension, its first tokens.
  std::vector<int64_t> sizes = shape(state, tokenCapacity);
  int64_t rows = *elementCount(std::span(sizes).subspan(1, state.tokenDim - 1));
  std::vector<std::span<char>> result;
  if (rows == 0)
    return result;
  int64_t rowBytes = slotBytes / rows;
  for (int64_t row = 0; row < rows; ++row)
    result.push_back({begin + row * rowBytes,
                      static_cast<size_t>(rowBytes / tokenCapacity * tokens)});
  return result;
}

MarimbaTensor StatePool::view(size_t index, int32_t first,
                              int32_t count) const {
  const State &state = states[index];
  MarimbaTensor tensor = makeTensor(state.buffer.data(), state.spec.dtype,
                                    shape(state, tokenCapacity));
  tensor.data = state.buffer.data() +
                first * tensor.strides[0] * dtypeSize(state.spec.dtype);
  tensor.sizes[0] = count;
  return tensor;
}

} // namespace marimba::rt
