//===- BpeMerges.h - The merges of byte-pair encoding -----------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_BPEMERGES_H
#define MARIMBA_RUNTIME_TOKENIZER_BPEMERGES_H

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace marimba::rt::text {

/// Which pairs of tokens become one token, and in which order: always the pair
/// of the lowest rank, of equal ones the leftmost.
class BpeMerges {
public:
  struct Merge {
    uint32_t rank;
    int32_t id;
  };

  void reserve(size_t count) { merges.reserve(count); }
  /// Adds a merge, of a higher rank than all before it.
  void add(int32_t left, int32_t right, int32_t id) {
    add(left, right, id, nextRank++);
  }
  /// Adds a merge of a rank that others may have, too.
  void add(int32_t left, int32_t right, int32_t id, uint32_t rank) {
    merges[pairKey(left, right)] = {rank, id};
  }

  const Merge *find(int32_t left, int32_t right) const {
    auto entry = merges.find(pairKey(left, right));
    return entry == merges.end() ? nullptr : &entry->second;
  }

  /// Does all merges in `symbols`, the ids of a word of less than 2^32 - 1
  /// characters. Takes O(n log n) time at worst, and O(n) where merges come in
  /// the order of their ranks, as nearly all do.
  void apply(std::vector<int32_t> &symbols) const;

private:
  static uint64_t pairKey(int32_t left, int32_t right) {
    return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
  }
  void applyShort(std::vector<int32_t> &symbols) const;

  std::unordered_map<uint64_t, Merge> merges;
  uint32_t nextRank = 0;
};

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_BPEMERGES_H
