//===- CacheFiles.cpp - Files that can be made again ----------------------===//

#include "marimba/CacheFiles.h"

#include "marimba/InputFile.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace marimba::rt {

std::filesystem::path defaultCacheFolder() {
  auto variable = [](const char *name) -> std::filesystem::path {
    const char *value = std::getenv(name);
    return value ? value : "";
  };
  if (std::filesystem::path own = variable("MARIMBA_CACHE_DIR"); !own.empty())
    return own;
  if (std::filesystem::path xdg = variable("XDG_CACHE_HOME"); xdg.is_absolute())
    return xdg / "marimba";
  if (std::filesystem::path home = variable("HOME"); !home.empty())
    return home / ".cache" / "marimba";
  return {};
}

/// What is wrong with whom `status` belongs to, or null.
static const char *trustProblem(const struct stat &status) {
  if (status.st_uid != geteuid())
    return "belongs to another user";
  if (status.st_mode & (S_IWGRP | S_IWOTH))
    return "can be written to by other users";
  return nullptr;
}

bool makePrivateFolder(const std::filesystem::path &folder,
                       std::string &error) {
  auto fail = [&](const std::string &what) {
    error = folder.string() + ": " + what;
    return false;
  };
  std::error_code code;
  if (folder.has_parent_path())
    std::filesystem::create_directories(folder.parent_path(), code);
  if (mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    return fail(std::string("cannot be made: ") + std::strerror(errno));
  struct stat status = {};
  if (stat(folder.c_str(), &status) != 0)
    return fail(std::strerror(errno));
  if (!S_ISDIR(status.st_mode))
    return fail("is not a folder");
  if (const char *problem = trustProblem(status))
    return fail(problem);
  return true;
}

//===----------------------------------------------------------------------===//
// MappedFile
//===----------------------------------------------------------------------===//

std::shared_ptr<const MappedFile>
MappedFile::map(int file, const std::filesystem::path &path,
                std::string &error) {
  auto fail = [&](const char *what) {
    error = path.string() + ": " + what;
    return nullptr;
  };
  struct stat status = {};
  if (fstat(file, &status) != 0)
    return fail(std::strerror(errno));
  if (!S_ISREG(status.st_mode))
    return fail("is not a regular file");
  if (const char *problem = trustProblem(status))
    return fail(problem);
  std::shared_ptr<MappedFile> result(new MappedFile);
  if (status.st_size == 0)
    return result;
  auto size = static_cast<size_t>(status.st_size);
  void *data = mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  if (data == MAP_FAILED)
    return fail(std::strerror(errno));
  result->data = static_cast<const char *>(data);
  result->size = size;
  return result;
}

std::shared_ptr<const MappedFile>
MappedFile::open(const std::filesystem::path &path, std::string &error) {
  error.clear();
  struct stat status = {};
  if (lstat(path.c_str(), &status) != 0 && errno == ENOENT)
    return nullptr;
  // We make no links.
  std::string problem;
  std::optional<InputFile> file =
      InputFile::open(path, problem, /*followLink=*/false);
  if (file)
    return map(file->descriptor(), path, error);
  error = path.string() + ": " + problem;
  return nullptr;
}

MappedFile::~MappedFile() {
  if (data)
    munmap(const_cast<char *>(data), size);
}

} // namespace marimba::rt
