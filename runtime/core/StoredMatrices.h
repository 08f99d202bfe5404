//===- StoredMatrices.h - Weights that are read where they are --*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CORE_STOREDMATRICES_H
#define MARIMBA_RUNTIME_CORE_STOREDMATRICES_H

#include <atomic>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <vector>

namespace marimba::rt {

class StoredMatrices;

/// The matrices of one weight, and which of them the system was asked to read
/// from their file. Calls of several threads may ask at once.
class StoredStack {
public:
  /// `bytes` of each of `places`, which are `stride` bytes apart, or anywhere
  /// with 0. With `mapped` they are in files.
  StoredStack(std::span<const void *const> places, int64_t stride,
              int64_t bytes, bool mapped, StoredMatrices &all);

  /// Whether it is a stack of such matrices. One that lies anywhere has the
  /// address of a weight, which nothing else has.
  bool isOf(int64_t count, int64_t newStride, int64_t newBytes) const {
    return std::ssize(asked) == count && bytes == newBytes &&
           (stride == 0 || stride == newStride);
  }

  /// What code gets: the places, behind a pointer to this.
  const void *const *table() const { return entries.data() + 1; }
  static StoredStack *of(const void *const *table) {
    return static_cast<StoredStack *>(const_cast<void *>(table[-1]));
  }

  /// A call begins that reads the matrices with pairs, in this order.
  void begin(const int32_t *order, const int32_t *offsets, int threads);
  /// Matrix `order[position]` is read now, and the next ones soon.
  void readAt(int64_t position, const int32_t *order, const int32_t *offsets) {
    if (reading.load(std::memory_order_relaxed))
      readAhead(position, order, offsets, ahead);
  }

private:
  /// Asks for `count` matrices, if they are not asked for already; whether
  /// there are more.
  bool readAhead(int64_t position, const int32_t *order, const int32_t *offsets,
                 int64_t count);

  std::vector<const void *> entries;
  int64_t stride, bytes;
  bool mapped;
  StoredMatrices &all;
  /// For each matrix the round in which it was last asked for.
  std::vector<std::atomic<uint32_t>> asked;
  std::atomic<uint32_t> round{1};
  std::atomic<int64_t> faults{0};
  std::atomic<bool> reading{false};
  std::atomic<int64_t> ahead{1};
};

/// All stacks of a model. The system does not guess what of them is read next
/// (Weights::willRead): neighbours of a matrix may never be wanted. A matrix is
/// asked for when it is used for the first time; then again only where pages
/// had to be read all the same, or always where the model is larger than
/// memory.
class StoredMatrices {
public:
  /// What holds for stacks that are found from now on: whether they are in
  /// mapped files, and whether those are larger than memory.
  void setFiles(bool mapped, bool larger) {
    isMapped = mapped;
    isLarger = larger;
  }
  bool larger() const { return isLarger; }

  /// The stack of the weight at `key`, if it is known.
  StoredStack *find(const void *key) const;
  /// Makes it, unless another thread does. Throws where memory ends.
  StoredStack &make(const void *key, std::span<const void *const> places,
                    int64_t stride, int64_t bytes);

  /// How often this process had to wait for pages of files; rises.
  int64_t countFaults();

private:
  mutable std::shared_mutex mutex;
  std::map<const void *, std::unique_ptr<StoredStack>> stacks;
  bool isMapped = false, isLarger = false;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_STOREDMATRICES_H
