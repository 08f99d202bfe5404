//===- CacheFiles.h - Files that can be made again --------------*- C++ -*-===//
//
// Where they stand, how they come to be and how they are read. Nothing here
// knows what they hold (docs/cache.md).
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_CACHEFILES_H
#define MARIMBA_RUNTIME_CACHEFILES_H

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace marimba::rt {

/// The user's folder for them: $MARIMBA_CACHE_DIR, else
/// $XDG_CACHE_HOME/marimba, else $HOME/.cache/marimba; empty where none of the
/// three is set. XDG_CACHE_HOME counts only where it is absolute, as its
/// specification says.
std::filesystem::path defaultCacheFolder();

/// Makes `folder`, with mode 0700, where it is not there. False and `error`
/// where that fails, or where another user owns it or may write to it: what it
/// holds is run and believed.
bool makePrivateFolder(const std::filesystem::path &folder, std::string &error);

/// A file that gets its name when it is whole. Until then nobody else sees it
/// and it vanishes with the process, however that ends, where the file system
/// has files without a name; elsewhere it is called `.new-...`.
class NewFile {
public:
  /// An empty file of mode 0600 in `folder`. Nothing, and `error`, where none
  /// can be made.
  static std::optional<NewFile> create(const std::filesystem::path &folder,
                                       std::string &error);
  NewFile(NewFile &&other) noexcept;
  NewFile &operator=(NewFile &&) = delete;
  ~NewFile();

  int descriptor() const { return file; }
  /// Takes the space for `bytes` bytes. False and `error` where the disk is
  /// full; a file system that cannot tell says so when it is written.
  bool reserve(uint64_t bytes, std::string &error);
  bool write(std::span<const char> data, uint64_t offset, std::string &error);
  /// Gives it the name `name` in its folder, in place of a file of that name.
  /// Call once.
  bool publish(const std::string &name, std::string &error);

private:
  NewFile() = default;
  bool fail(const char *what, std::string &error) const;

  std::filesystem::path folder;
  std::string name; // empty: it has none
  int file = -1;
};

/// A file in memory, read-only. Who cuts a file that is mapped makes its
/// readers get a SIGBUS, which a program may turn into a message: cache files
/// are only ever replaced or removed.
class MappedFile {
public:
  /// Null where it cannot be mapped; `error` then says why, and is empty where
  /// there is no such file. A file that others may write to, a link, or what
  /// is no file, is not mapped.
  static std::shared_ptr<const MappedFile>
  open(const std::filesystem::path &path, std::string &error);
  /// Maps an open file; `path` is for `error`.
  static std::shared_ptr<const MappedFile>
  map(int file, const std::filesystem::path &path, std::string &error);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  std::span<const char> bytes() const { return {data, size}; }

private:
  MappedFile() = default;
  const char *data = nullptr;
  size_t size = 0;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CACHEFILES_H
