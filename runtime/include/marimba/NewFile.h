//===- NewFile.h - Files that appear whole ----------------------*- C++ -*-===//
//
// Whatever is written comes to be through this. A `problem` says what is wrong
// in words that go behind the file's name, which is left out.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_NEWFILE_H
#define MARIMBA_RUNTIME_NEWFILE_H

#include "marimba/Unfinished.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <sys/types.h>

namespace marimba::rt {

/// A file that gets its name when it is whole; until then a file that has the
/// name stays. Nobody else sees it and it vanishes with the process, however
/// that ends, where the file system has files without a name; elsewhere it is
/// called `.new-...` and is removed by removeUnfinished().
///
/// No signal comes of writing: past the limit of the process on the size of a
/// file that is an error as any other.
class NewFile {
public:
  enum class Use {
    Cache,   ///< can be made again: the owner's alone, not forced to the disk
    Output,  ///< of a user: whoever may read what programs write
    Private, ///< of a user: the owner's alone
  };

  /// An empty file in `folder`, for publish(name).
  static std::optional<NewFile> create(const std::filesystem::path &folder,
                                       Use use, std::string &problem);
  /// An empty file that will be `path`, for publish(). Links are followed, also
  /// one to nothing: what they lead to is replaced, not they. Where a file is
  /// there, an output gets its permissions. Nothing, and `problem`, where
  /// something other than a regular file has the name, or one that may not be
  /// written to.
  static std::optional<NewFile> replace(const std::filesystem::path &path,
                                        Use use, std::string &problem);
  NewFile(NewFile &&other) noexcept;
  NewFile &operator=(NewFile &&) = delete;
  ~NewFile();

  int descriptor() const { return file; }
  /// Takes the space for `bytes` bytes. False and `problem` where the disk is
  /// full; a file system that cannot tell says so when it is written.
  bool reserve(uint64_t bytes, std::string &problem);
  bool write(std::span<const char> data, uint64_t offset, std::string &problem);
  /// Gives it its name, in place of a file of that name. Call once.
  bool publish(std::string &problem);
  /// As above; `name` is relative to the folder.
  bool publish(const std::string &name, std::string &problem);

private:
  NewFile() = default;
  bool open(std::string &problem);

  std::filesystem::path folder;
  std::string name, finalName; // empty: it has none
  Use use = Use::Cache;
  mode_t mode = 0600;
  int file = -1;
  Unfinished unfinished;
};

/// What a path leads an output to.
enum class OutputKind {
  File,   ///< one that is replaced whole, or what is wrong with the name
  Stream, ///< a device, a pipe or a socket: written to
  Stdout, ///< "-", or what stdout is by another name: written to
};
OutputKind outputKind(const std::string &path);

/// Makes `data` the file `path`, as NewFile::replace() does for an output.
bool writeWhole(const std::filesystem::path &path, std::span<const char> data,
                std::string &problem);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_NEWFILE_H
