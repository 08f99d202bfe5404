//===- GitLfs.h - Files that were not fetched -------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TEXT_GITLFS_H
#define MARIMBA_RUNTIME_TEXT_GITLFS_H

#include <string_view>

namespace marimba::rt {

/// Whether `contents`, the start of a file at least, is what Git leaves in
/// place of a large file where Git LFS did not fetch it.
inline bool isGitLfsPointer(std::string_view contents) {
  return contents.starts_with("version https://git-lfs.github.com/spec/");
}

/// What to say about such a file, after its name.
constexpr std::string_view gitLfsMessage =
    "is a Git LFS pointer, not the file itself; `git lfs pull` in its "
    "repository fetches it";

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_TEXT_GITLFS_H
