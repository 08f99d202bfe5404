//===- NewDirectory.cpp - A directory that appears whole ------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/NewDirectory.h"

#include "marimba/NewFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cerrno>
#include <cstring>
#include <sys/stat.h>

using namespace marimba;
using namespace llvm;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

NewDirectory::~NewDirectory() {
  if (!temporary.empty())
    (void)fs::remove_directories(temporary);
  unfinished.release();
}

bool NewDirectory::setTarget(StringRef given, std::string &error) {
  auto fail = [&](const Twine &message) {
    error = (given + ": " + message).str();
    return false;
  };
  // Through links: what they lead to is replaced, not they.
  SmallString<256> full(given);
  if (std::error_code code = fs::make_absolute(full))
    return fail(code.message());
  path::remove_dots(full);
  SmallString<256> real;
  if (!fs::real_path(full, real))
    full = real;
  target = StringRef(full).rtrim('/').str();
  parentPath = path::parent_path(target).str();
  if (!fs::is_directory(parentPath))
    return fail("'" + parentPath + "' is not a directory");
  fs::file_status status;
  if (fs::status(target, status) == std::errc::no_such_file_or_directory)
    return true;
  if (!fs::is_directory(status))
    return fail("is a file, expected a new or empty directory");
  std::error_code code;
  if (fs::directory_iterator(target, code) != fs::directory_iterator())
    return fail("is not empty, expected a new or empty directory");
  return !code || fail(code.message());
}

bool NewDirectory::create(std::string &error) {
  SmallString<256> name;
  fs::createUniquePath(target + ".new-%%%%%%%%", name, /*MakeAbsolute=*/false);
  // Before it is there: a signal may come at any time.
  unfinished = rt::Unfinished(name.str().str());
  if (mkdir(name.c_str(), 0777) != 0) {
    unfinished.release();
    error = (name + ": cannot be made: " + std::strerror(errno)).str();
    return false;
  }
  temporary = name.str().str();
  return true;
}

StringRef NewDirectory::temporaryName() const {
  return path::filename(temporary);
}

std::string NewDirectory::pathOf(StringRef file) const {
  SmallString<256> full(temporary);
  path::append(full, file);
  return full.str().str();
}

bool NewDirectory::writeFile(StringRef file, StringRef data,
                             std::string &error) {
  std::string problem;
  if (rt::writeWhole(pathOf(file), {data.data(), data.size()}, problem))
    return true;
  error = pathOf(file) + ": " + problem;
  return false;
}

bool NewDirectory::publish(std::string &error) {
  // In place of an empty directory, too.
  if (std::error_code code = fs::rename(temporary, target)) {
    error = target + ": cannot be made: " + code.message();
    return false;
  }
  temporary.clear();
  unfinished.release();
  return true;
}
