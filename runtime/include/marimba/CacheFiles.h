//===- CacheFiles.h - Files that can be made again --------------*- C++ -*-===//
//
// Where they stand and how they are read; NewFile writes them. Nothing here
// knows what they hold (docs/cache.md).
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_CACHEFILES_H
#define MARIMBA_RUNTIME_CACHEFILES_H

#include <filesystem>
#include <memory>
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
