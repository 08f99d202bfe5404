//===- PackedFile.h - Packed weights on disk --------------------*- C++ -*-===//
//
// The format is in docs/cache.md. A reader knows beforehand what a file of its
// model must say, from the files of the model, the layouts and the library:
// every number but the checksums is compared, none is believed.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_CORE_PACKEDFILE_H
#define MARIMBA_RUNTIME_CORE_PACKEDFILE_H

#include "marimba/CacheFiles.h"
#include "marimba/NewFile.h"
#include "marimba/Weights.h"

#include <xxhash.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace marimba::rt {

/// One weight: `count` matrices [k, n], each `bytes` bytes, `stride` bytes
/// apart, from `offset` of the payload on.
struct PackedEntry {
  std::string name, dtype, packed, layout;
  int64_t count = 0, k = 0, n = 0;
  uint64_t offset = 0, stride = 0, bytes = 0;
};

/// What a file holds, apart from the numbers themselves.
struct PackedPlan {
  std::string library;
  std::vector<WeightFile> files;
  std::vector<PackedEntry> entries;
  uint64_t payloadBytes = 0;

  /// Puts `entry`, of which only the place is open, behind the others. False
  /// where the sizes are beyond 2^63.
  bool append(PackedEntry entry);
};

/// A file of packed weights, mapped.
class PackedFile {
public:
  /// The file at `path` if it is what `plan` says and every checksum holds,
  /// tested by a team of `threads`. Null otherwise; `problem` then says why, as
  /// in "model.packed: is damaged", and is empty where there is no file.
  static std::shared_ptr<const PackedFile>
  open(const std::filesystem::path &path, const PackedPlan &plan, int threads,
       std::string &problem);
  std::span<const char> payload() const { return data; }

private:
  friend class PackedWriter;
  std::shared_ptr<const MappedFile> mapping;
  std::span<const char> data;
};

/// Writes one, from front to back.
class PackedWriter {
public:
  /// A file in `folder` with room for all of `plan`. Nothing, and `error`,
  /// where there is none.
  static std::optional<PackedWriter> create(const std::filesystem::path &folder,
                                            const PackedPlan &plan,
                                            std::string &error);
  /// `bytes` at `offset` of the payload; gaps are zeros. Offsets rise.
  bool write(uint64_t offset, std::span<const char> bytes, std::string &error);
  /// Completes the file, calls it `name` and maps it; null and `error` where
  /// that fails. Call once.
  std::shared_ptr<const PackedFile> finish(const std::string &name,
                                           std::string &error);

private:
  PackedWriter(NewFile file, const PackedPlan &plan);
  void hash(std::span<const char> bytes);

  struct FreeHash {
    void operator()(XXH3_state_t *state) const { XXH3_freeState(state); }
  };
  NewFile file;
  const PackedPlan *plan;
  std::filesystem::path folder;
  uint64_t payloadOffset = 0, position = 0;
  std::unique_ptr<XXH3_state_t, FreeHash> state;
  std::vector<uint64_t> checksums;
};

/// Removes the files of packed weights in `folder` whose model is gone, and
/// what a writer that was killed left there a day ago or before.
void dropUnusedPackedFiles(const std::filesystem::path &folder);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_PACKEDFILE_H
