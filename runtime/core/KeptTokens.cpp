//===- KeptTokens.cpp - What is kept of each token, out and in ------------===//

#include "marimba/Session.h"

#include "StatePool.h"

#include <cstring>

namespace marimba::rt {

int64_t Session::bytesPerToken() const { return pool->bytesPerToken(); }

int64_t Session::snapshotBytes() const { return pool->fixedBytes() / slots(); }

/// Calls `use(bytes, offset)` for where a state that grows has the tokens
/// [begin, end) of a slot, in the order of states and rows; `offset` is among
/// all of them.
static void forTokens(const StatePool &pool, int32_t slot, int64_t begin,
                      int64_t end, const auto &use) {
  size_t offset = 0;
  if (begin == end)
    return;
  for (size_t i = 0; i < pool.size(); ++i) {
    if (pool.sequence(i, 0).shape == pool.sequence(i, 1).shape)
      continue;
    for (std::span<char> part : pool.parts(i, slot, end)) {
      size_t skipped =
          part.size() / static_cast<size_t>(end) * static_cast<size_t>(begin);
      part = part.subspan(skipped);
      use(part, offset);
      offset += part.size();
    }
  }
}

std::optional<AlignedBuffer> Session::keepTokens(int32_t slot, int64_t begin,
                                                 int64_t end,
                                                 std::string &error) const {
  if (!checkSlot(slot, error))
    return std::nullopt;
  if (begin < 0 || begin > end || end > length(slot)) {
    error = "tokens " + std::to_string(begin) + " to " + std::to_string(end) +
            " were asked for, slot " + std::to_string(slot) + " has " +
            std::to_string(length(slot));
    return std::nullopt;
  }
  int64_t bytes = (end - begin) * bytesPerToken();
  std::optional<AlignedBuffer> kept = AlignedBuffer::zeroed(bytes);
  if (!kept) {
    error = "no memory for " + std::to_string(bytes) + " bytes of tokens";
    return std::nullopt;
  }
  forTokens(*pool, slot, begin, end, [&](std::span<char> part, size_t offset) {
    std::memcpy(kept->data() + offset, part.data(), part.size());
  });
  return kept;
}

bool Session::appendKept(int32_t slot, std::span<const int32_t> ids,
                         std::span<const char> kept, std::string &error) {
  if (!checkSlot(slot, error))
    return false;
  int64_t begin = length(slot), end = begin + static_cast<int64_t>(ids.size());
  if (kept.size() != ids.size() * static_cast<size_t>(bytesPerToken())) {
    error = "what was kept of " + std::to_string(ids.size()) + " tokens has " +
            std::to_string(kept.size()) + " bytes, expected " +
            std::to_string(bytesPerToken()) + " for each";
    return false;
  }
  if (!reserve(end, error))
    return false;
  forTokens(*pool, slot, begin, end, [&](std::span<char> part, size_t offset) {
    std::memcpy(part.data(), kept.data() + offset, part.size());
  });
  std::vector<int32_t> &sequence = sequences[static_cast<size_t>(slot)];
  sequence.insert(sequence.end(), ids.begin(), ids.end());
  return true;
}

} // namespace marimba::rt
