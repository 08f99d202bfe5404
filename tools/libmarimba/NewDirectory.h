//===- NewDirectory.h - A directory that appears whole ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_NEWDIRECTORY_H
#define MARIMBA_TOOLS_LIBMARIMBA_NEWDIRECTORY_H

#include "marimba/Unfinished.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace marimba {

/// A directory under a temporary name beside the one that it will have. Unless
/// it is published it is removed with all that is in it, by
/// rt::removeUnfinished(), too.
class NewDirectory {
public:
  NewDirectory() = default;
  NewDirectory(const NewDirectory &) = delete;
  NewDirectory &operator=(const NewDirectory &) = delete;
  ~NewDirectory();

  /// Takes the name that it will have. False, with `error` set, where something
  /// other than an empty directory has it.
  bool setTarget(llvm::StringRef path, std::string &error);
  /// The directory in which it will stand, for files that are to be moved in.
  const std::string &parent() const { return parentPath; }

  bool create(std::string &error);
  /// Its name below parent().
  llvm::StringRef temporaryName() const;
  /// The path of a file in it.
  std::string pathOf(llvm::StringRef file) const;
  bool writeFile(llvm::StringRef file, llvm::StringRef data,
                 std::string &error);

  /// Gives it its name.
  bool publish(std::string &error);

private:
  std::string target, parentPath, temporary; // the last: empty, there is none
  rt::Unfinished unfinished;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_NEWDIRECTORY_H
