//===- BpeMerges.cpp - The merges of byte-pair encoding -------------------===//
//
// A word of a text has few characters: looking for the lowest rank again after
// each merge is the fastest. A hostile word, or a text that nothing splits, has
// as many as there is memory. There, merges that are possible wait in buckets
// by rank: a bucket is filled from left to right nearly always, so that what a
// priority queue would sort is sorted already.
//
//===----------------------------------------------------------------------===//

#include "BpeMerges.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <queue>

namespace marimba::rt::text {

namespace {

/// Above it, the square of a word's length is more than what buckets cost.
constexpr size_t maxShortWord = 48;

template <typename T>
using MinQueue = std::priority_queue<T, std::vector<T>, std::greater<>>;

/// A word on its way: its symbols in a list linked by positions.
class LongWord {
public:
  LongWord(const BpeMerges &merges, std::vector<int32_t> &symbols)
      : merges(merges), ids(symbols), next(symbols.size()),
        previous(symbols.size()) {
    for (size_t i = 0; i < ids.size(); ++i) {
      next[i] = i + 1 < ids.size() ? static_cast<uint32_t>(i + 1) : none;
      previous[i] = i > 0 ? static_cast<uint32_t>(i - 1) : none;
    }
  }

  void run() {
    for (size_t i = 0; i + 1 < ids.size(); ++i)
      if (const BpeMerges::Merge *merge = merges.find(ids[i], ids[i + 1]))
        addToBucket(merge->rank, static_cast<uint32_t>(i));
    while (!waitingRanks.empty())
      runLowestBucket();
    std::erase(ids, merged);
  }

private:
  static constexpr uint32_t none = std::numeric_limits<uint32_t>::max();
  /// The id of a symbol that was merged into the one before it.
  static constexpr int32_t merged = -1;

  /// Orders by rank, then by position.
  static uint64_t orderKey(uint32_t rank, uint32_t position) {
    return static_cast<uint64_t>(rank) << 32 | position;
  }

  void addToBucket(uint32_t rank, uint32_t position) {
    std::vector<uint32_t> &bucket = buckets[rank];
    if (bucket.empty())
      waitingRanks.push(rank);
    bucket.push_back(position);
  }

  void runLowestBucket() {
    currentRank = waitingRanks.top();
    waitingRanks.pop();
    std::vector<uint32_t> positions =
        std::move(buckets.extract(currentRank).mapped());
    if (!std::is_sorted(positions.begin(), positions.end()))
      std::sort(positions.begin(), positions.end());
    for (uint32_t position : positions) {
      runLate(orderKey(currentRank, position));
      merge(currentRank, position);
    }
    runLate(std::numeric_limits<uint64_t>::max());
  }

  /// Does the late merges that come before `limit`.
  void runLate(uint64_t limit) {
    while (!late.empty() && late.top() < limit) {
      uint64_t key = late.top();
      late.pop();
      merge(static_cast<uint32_t>(key >> 32), static_cast<uint32_t>(key));
    }
  }

  /// Merges the pair at `position`, unless its symbols have changed since the
  /// merge of this rank was possible there.
  void merge(uint32_t rank, uint32_t position) {
    if (ids[position] == merged || next[position] == none)
      return;
    uint32_t right = next[position];
    const BpeMerges::Merge *merge = merges.find(ids[position], ids[right]);
    if (!merge || merge->rank != rank)
      return;
    ids[position] = merge->id;
    ids[right] = merged;
    next[position] = next[right];
    if (next[position] != none)
      previous[next[position]] = position;
    if (previous[position] != none)
      addPairAt(previous[position]);
    addPairAt(position);
  }

  void addPairAt(uint32_t position) {
    if (next[position] == none)
      return;
    const BpeMerges::Merge *merge =
        merges.find(ids[position], ids[next[position]]);
    if (!merge)
      return;
    if (merge->rank > currentRank)
      addToBucket(merge->rank, position);
    else
      late.push(orderKey(merge->rank, position));
  }

  const BpeMerges &merges;
  std::vector<int32_t> &ids;
  std::vector<uint32_t> next, previous;

  /// Positions of possible merges by rank, all above the current one.
  std::unordered_map<uint32_t, std::vector<uint32_t>> buckets;
  MinQueue<uint32_t> waitingRanks;
  uint32_t currentRank = 0;
  /// Merges whose rank is not above the current one.
  MinQueue<uint64_t> late;
};

} // namespace

void BpeMerges::applyShort(std::vector<int32_t> &symbols) const {
  constexpr Merge impossible = {std::numeric_limits<uint32_t>::max(), -1};
  /// What each symbol and the one after it become.
  std::array<Merge, maxShortWord> pairs;
  auto findPairAt = [&](size_t i) {
    const Merge *merge =
        i + 1 < symbols.size() ? find(symbols[i], symbols[i + 1]) : nullptr;
    pairs[i] = merge ? *merge : impossible;
  };
  for (size_t i = 0; i < symbols.size(); ++i)
    findPairAt(i);
  while (symbols.size() > 1) {
    auto end = pairs.begin() + symbols.size();
    auto best = std::min_element(
        pairs.begin(), end, [](auto &a, auto &b) { return a.rank < b.rank; });
    if (best->id < 0)
      return;
    size_t position = best - pairs.begin();
    symbols[position] = best->id;
    symbols.erase(symbols.begin() + position + 1);
    std::copy(best + 2, end, best + 1);
    findPairAt(position);
    if (position > 0)
      findPairAt(position - 1);
  }
}

void BpeMerges::apply(std::vector<int32_t> &symbols) const {
  if (symbols.size() <= maxShortWord)
    applyShort(symbols);
  else
    LongWord(*this, symbols).run();
}

} // namespace marimba::rt::text
