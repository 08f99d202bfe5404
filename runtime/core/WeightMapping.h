//===- WeightMapping.h - Files of weights in memory -------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CORE_WEIGHTMAPPING_H
#define MARIMBA_RUNTIME_CORE_WEIGHTMAPPING_H

#include "marimba/Weights.h"

#include <sys/mman.h>
#include <sys/types.h>

namespace marimba::rt {

/// A file, or addresses that are reserved.
struct Weights::Mapping {
  char *data = nullptr;
  uint64_t size = 0;
  WeightFile file;
  dev_t device = 0; // with `node`: the same file, whatever its name
  ino_t node = 0;
  ~Mapping() {
    if (data)
      munmap(data, size);
  }

  /// All of the file at `path`, of which `firstTensor` is where the first
  /// tensor in use begins. Null, and `problem`, where it cannot be read.
  static std::unique_ptr<Mapping> open(const std::filesystem::path &path,
                                       uint64_t firstTensor,
                                       std::string &problem);
  /// What has become of the file since, as a message; empty where nothing has.
  std::string change() const;
};

/// Asks the system to read the pages of `bytes` bytes from `data` on.
void askFor(const void *data, int64_t bytes);

/// Whether [data, data + bytes) is within the `size` bytes at `base`; then
/// drops the pages that belong to it alone.
bool dropPages(const void *data, int64_t bytes, const char *base,
               uint64_t size);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_WEIGHTMAPPING_H
