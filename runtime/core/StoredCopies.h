//===- StoredCopies.h - Tensors of files into memory ------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CORE_STOREDCOPIES_H
#define MARIMBA_RUNTIME_CORE_STOREDCOPIES_H

#include "marimba/Weights.h"

#include <functional>
#include <span>

namespace marimba::rt {

/// A tensor of a mapped file, at `from`, the one that it is made with, or null,
/// and the memory that it is copied to (copyRows).
struct StoredCopy {
  const WeightSource *source = nullptr;
  const char *from = nullptr, *other = nullptr;
  char *to = nullptr;
};

/// What is done with bytes of a mapped file.
using BytesFn = std::function<void(const char *data, int64_t bytes)>;

/// Makes all of `copies` by a team of `threads`, some megabytes at a time, so
/// that little of a file is in memory besides its copy. Those that follow each
/// other and have the same bytes, the parts of a quantised matrix, are made
/// together. Calls `willRead` with what is read soon, and `giveBack` with what
/// is read no more.
void copyStored(std::span<const StoredCopy> copies, int threads,
                const BytesFn &willRead, const BytesFn &giveBack);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_STOREDCOPIES_H
