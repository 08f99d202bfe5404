//===- CodeCache.h - Machine code of earlier runs ---------------*- C++ -*-===//
//
// Part of Marimba. docs/cache.md has the format of the files.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_CODECACHE_H
#define MARIMBA_TOOLS_LIBMARIMBA_CODECACHE_H

#include "tools/libmarimba/Compiler.h"
#include "tools/libmarimba/JitCode.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace marimba {

/// Hears what a user should know though nothing fails.
using NoteFn = llvm::function_ref<void(llvm::StringRef)>;

/// Object files by all that they depend on. What cannot be read or written is
/// a note, never an error: the code is made anew then.
class CodeCache {
public:
  /// Everything that decides which code comes out, as a digest.
  using Key = std::array<uint8_t, 32>;

  /// Files in `folder`/code; an empty `folder` keeps nothing.
  CodeCache(llvm::StringRef folder, NoteFn note);

  /// The key of a module that was imported and not lowered yet: its text, the
  /// options, the target and this build of the compiler.
  static Key key(Compilation &compilation);

  /// The object file of that key; nothing where there is none or where its file
  /// is damaged.
  std::optional<llvm::SmallVector<char, 0>> find(const Key &key);

  /// Keeps an object file, and drops those that were not used for the longest
  /// time where there are many.
  void store(const Key &key, llvm::ArrayRef<char> object);

private:
  void dropOld();

  std::string folder; // empty: no cache
  NoteFn note;
};

/// Machine code of a module that was imported and not lowered yet, linked into
/// this process: that of an earlier run (`fromCache` is set then), or made by
/// all stages and kept. `cacheFolder` may be empty; nothing kept is used where
/// the stages are to be dumped. On failure returns null and sets `error`.
CodePtr compileOrFind(Compilation &compilation, llvm::StringRef cacheFolder,
                      bool &fromCache, std::string &error,
                      ProgressFn progress = {}, NoteFn note = {});

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_CODECACHE_H
