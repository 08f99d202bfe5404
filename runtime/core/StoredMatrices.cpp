//===- StoredMatrices.cpp - Weights that are read where they are ----------===//

#include "StoredMatrices.h"

#include "OneDNNCall.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace marimba::rt {

namespace {

/// Bytes that are asked for at a time, of one stack and all threads: enough for
/// a disk to be busy, little beside any memory.
constexpr int64_t kBytesAhead = int64_t(32) << 20;

/// Asks the system to read the pages of [begin, end).
void askFor(uintptr_t begin, uintptr_t end) {
  static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  begin = begin / page * page;
  madvise(reinterpret_cast<void *>(begin), end - begin, MADV_WILLNEED);
}

} // namespace

StoredStack::StoredStack(std::span<const void *const> places, int64_t stride,
                         int64_t bytes, bool mapped, StoredMatrices &all)
    : stride(stride), bytes(bytes), mapped(mapped), all(all),
      asked(places.size()) {
  entries.reserve(places.size() + 1);
  entries.push_back(this);
  entries.insert(entries.end(), places.begin(), places.end());
}

void StoredStack::begin(const int32_t *order, const int32_t *offsets,
                        int threads) {
  if (!mapped)
    return;
  int64_t now = all.countFaults();
  if (faults.exchange(now, std::memory_order_relaxed) != now || all.larger())
    round.fetch_add(1, std::memory_order_relaxed);
  int64_t each = std::max<int64_t>(bytes, 1);
  ahead = std::max<int64_t>(kBytesAhead / each / threads, 1);
  reading =
      readAhead(0, order, offsets, std::max<int64_t>(kBytesAhead / each, 1));
}

bool StoredStack::readAhead(int64_t position, const int32_t *order,
                            const int32_t *offsets, int64_t count) {
  auto end = static_cast<int64_t>(asked.size());
  uint32_t current = round.load(std::memory_order_relaxed);
  for (int64_t i = position; i < end; ++i) {
    int32_t e = order[i];
    if (offsets[e] >= offsets[e + 1])
      return false; // those that follow have no rows, either
    std::atomic<uint32_t> &last = asked[static_cast<size_t>(e)];
    if (last.load(std::memory_order_relaxed) == current)
      continue;
    if (i >= position + count)
      return true;
    if (last.exchange(current, std::memory_order_relaxed) == current)
      continue;
    auto at = reinterpret_cast<uintptr_t>(table()[e]);
    askFor(at, at + static_cast<uintptr_t>(bytes));
  }
  return false;
}

StoredStack *StoredMatrices::find(const void *key) const {
  std::shared_lock lock(mutex);
  auto found = stacks.find(key);
  return found == stacks.end() ? nullptr : found->second.get();
}

StoredStack &StoredMatrices::make(const void *key,
                                  std::span<const void *const> places,
                                  int64_t stride, int64_t bytes) {
  std::unique_lock lock(mutex);
  std::unique_ptr<StoredStack> &stack = stacks[key];
  if (!stack)
    stack =
        std::make_unique<StoredStack>(places, stride, bytes, isMapped, *this);
  return *stack;
}

int64_t StoredMatrices::countFaults() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_majflt;
}

namespace {

/// The stack at `w`, or none where the context keeps nothing, memory ends or
/// another stack was there before: a tensor that is no weight.
StoredStack *stackOf(MarimbaContext *ctx, const void *w, int64_t count,
                     int64_t stride, int64_t bytes) {
  if (!ctx->library)
    return nullptr;
  StoredMatrices &all = primitivesOf(ctx).storedMatrices;
  if (StoredStack *known = all.find(w))
    return known->isOf(count, stride, bytes) ? known : nullptr;
  try {
    std::vector<const void *> places;
    for (int64_t e = 0; e < count; ++e)
      places.push_back(static_cast<const char *>(w) + e * stride);
    StoredStack &made = all.make(w, places, stride, bytes);
    return made.isOf(count, stride, bytes) ? &made : nullptr;
  } catch (const std::exception &) {
    return nullptr;
  }
}

} // namespace
} // namespace marimba::rt

extern "C" const void *const *
marimba_stored_matrices(MarimbaContext *ctx, const void *w, int64_t count,
                        int64_t stride, int64_t bytes, const int32_t *order,
                        const int32_t *offsets) {
  using namespace marimba::rt;
  if (StoredStack *stack = stackOf(ctx, w, count, stride, bytes)) {
    stack->begin(order, offsets, std::max(ctx->threads, 1));
    return stack->table();
  }
  auto **entries = static_cast<const void **>(marimba_arena_alloc(
      ctx, (count + 1) * static_cast<int64_t>(sizeof(void *))));
  entries[0] = nullptr;
  for (int64_t e = 0; e < count; ++e)
    entries[e + 1] = static_cast<const char *>(w) + e * stride;
  return entries + 1;
}

extern "C" const void *marimba_read_matrix(const void *const *matrices,
                                           int64_t expert, int64_t position,
                                           const int32_t *order,
                                           const int32_t *offsets) {
  if (auto *stack = marimba::rt::StoredStack::of(matrices))
    stack->readAt(position, order, offsets);
  return matrices[expert];
}
