//===- Snapshot.cpp - Going back in a sequence ----------------------------===//

#include "marimba/Session.h"

#include "StatePool.h"

#include <algorithm>
#include <cstring>
#include <xxhash.h>

namespace marimba::rt {

bool Session::checkSlot(int32_t slot, std::string &error) const {
  if (slot >= 0 && slot < slots())
    return true;
  error = "slot " + std::to_string(slot) +
          " was asked for, the session has 0 to " + std::to_string(slots() - 1);
  return false;
}

static uint64_t digestOf(std::span<const int32_t> ids) {
  return XXH3_64bits(ids.data(), ids.size_bytes());
}

/// Whether `state` keeps something of each token.
static bool grows(const StatePool &pool, size_t state) {
  return pool.sequence(state, 0).shape != pool.sequence(state, 1).shape;
}

std::optional<Snapshot> Snapshot::of(std::span<const int32_t> ids,
                                     std::span<const char> data) {
  auto buffer = AlignedBuffer::zeroed(static_cast<int64_t>(data.size()));
  if (!buffer)
    return std::nullopt;
  Snapshot made;
  made.count = static_cast<int64_t>(ids.size());
  made.digest = digestOf(ids);
  made.states = std::move(*buffer);
  std::ranges::copy(data, made.states.data());
  return made;
}

std::optional<Snapshot> Session::snapshot(int32_t slot,
                                          std::string &error) const {
  if (!checkSlot(slot, error))
    return std::nullopt;
  int64_t bytes = pool->fixedBytes() / slots();
  std::optional<AlignedBuffer> buffer = AlignedBuffer::zeroed(bytes);
  if (!buffer) {
    error = "no memory for a checkpoint of " + std::to_string(bytes) + " bytes";
    return std::nullopt;
  }
  Snapshot made;
  made.count = length(slot);
  made.digest = digestOf(tokens(slot));
  made.states = std::move(*buffer);
  char *to = made.states.data();
  for (size_t i = 0; i < pool->size(); ++i) {
    if (grows(*pool, i))
      continue;
    for (std::span<char> part : pool->parts(i, slot, made.count)) {
      std::memcpy(to, part.data(), part.size());
      to += part.size();
    }
  }
  return made;
}

bool Session::rewind(int32_t slot, const Snapshot &earlier,
                     std::string &error) {
  if (!checkSlot(slot, error))
    return false;
  std::span<const int32_t> ids = tokens(slot);
  auto count = static_cast<size_t>(earlier.count);
  if (count > ids.size() || digestOf(ids.first(count)) != earlier.digest ||
      earlier.states.size() != pool->fixedBytes() / slots()) {
    error = "the sequence in slot " + std::to_string(slot) + " of " +
            std::to_string(ids.size()) +
            " tokens does not go on from the checkpoint after " +
            std::to_string(count);
    return false;
  }
  const char *from = earlier.states.data();
  auto old = static_cast<int64_t>(ids.size());
  for (size_t i = 0; i < pool->size(); ++i) {
    bool perToken = grows(*pool, i);
    for (std::span<char> part : pool->parts(i, slot, old)) {
      if (!perToken) {
        std::memcpy(part.data(), from, part.size());
        from += part.size();
      } else if (old > 0) {
        // As if the tokens had never been there.
        size_t kept = part.size() / static_cast<size_t>(old) * count;
        std::memset(part.data() + kept, 0, part.size() - kept);
      }
    }
  }
  sequences[static_cast<size_t>(slot)].resize(count);
  return true;
}

bool Session::copyFrom(const Session &other, int32_t from, int32_t to,
                       std::string &error) {
  if (!other.checkSlot(from, error) || !checkSlot(to, error))
    return false;
  if (this == &other && from == to)
    return true;
  if (shared != other.shared) {
    error = "a sequence was to be copied from a session of another model";
    return false;
  }
  int64_t count = other.length(from);
  if (!reserve(count, error))
    return false;
  reset(to);
  for (size_t i = 0; i < pool->size(); ++i) {
    std::vector<std::span<char>> source = other.pool->parts(i, from, count);
    std::vector<std::span<char>> target = pool->parts(i, to, count);
    for (size_t part = 0; part < source.size(); ++part)
      std::copy(source[part].begin(), source[part].end(), target[part].begin());
  }
  sequences[static_cast<size_t>(to)] =
      other.sequences[static_cast<size_t>(from)];
  return true;
}

bool Session::copySlot(int32_t from, int32_t to, std::string &error) {
  return copyFrom(*this, from, to, error);
}

} // namespace marimba::rt
