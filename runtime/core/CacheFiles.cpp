//===- CacheFiles.cpp - Files that can be made again ----------------------===//

#include "marimba/CacheFiles.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <utility>

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
// NewFile
//===----------------------------------------------------------------------===//

bool NewFile::fail(const char *what, std::string &error) const {
  error = (folder / name).string() + ": cannot " + what + ": " +
          std::strerror(errno);
  return false;
}

/// A name that nobody else takes.
static std::string uniqueName() {
  std::random_device random;
  char text[64];
  std::snprintf(text, sizeof(text), ".new-%d-%08x%08x", getpid(),
                static_cast<unsigned>(random()),
                static_cast<unsigned>(random()));
  return text;
}

std::optional<NewFile> NewFile::create(const std::filesystem::path &folder,
                                       std::string &error) {
  NewFile result;
  result.folder = folder;
  result.file = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (result.file < 0) {
    result.name = uniqueName();
    result.file = open((folder / result.name).c_str(),
                       O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (result.file < 0) {
      result.fail("make a file", error);
      result.name.clear();
      return std::nullopt;
    }
  }
  return result;
}

NewFile::NewFile(NewFile &&other) noexcept
    : folder(std::move(other.folder)),
      name(std::exchange(other.name, std::string())),
      file(std::exchange(other.file, -1)) {}

NewFile::~NewFile() {
  if (!name.empty())
    unlink((folder / name).c_str());
  if (file >= 0)
    close(file);
}

bool NewFile::reserve(uint64_t bytes, std::string &error) {
  if (bytes > INT64_MAX) {
    errno = EFBIG;
    return fail("take the space", error);
  }
  auto size = static_cast<off_t>(bytes);
  if (bytes == 0 || fallocate(file, 0, 0, size) == 0)
    return true;
  if (errno == EOPNOTSUPP || errno == ENOSYS)
    return ftruncate(file, size) == 0 || fail("take the space", error);
  return fail("take the space", error);
}

bool NewFile::write(std::span<const char> data, uint64_t offset,
                    std::string &error) {
  while (!data.empty()) {
    ssize_t count =
        pwrite(file, data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return fail("write", error);
    data = data.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
  return true;
}

bool NewFile::publish(const std::string &finalName, std::string &error) {
  if (name.empty()) {
    // A link cannot replace a file, so it gets a name of its own first.
    std::string self = "/proc/self/fd/" + std::to_string(file);
    std::string unique = uniqueName();
    if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, (folder / unique).c_str(),
               AT_SYMLINK_FOLLOW) != 0)
      return fail("name a file", error);
    name = unique;
  }
  if (rename((folder / name).c_str(), (folder / finalName).c_str()) != 0)
    return fail("rename", error);
  name.clear();
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
  // Not to hang on a pipe of that name. We make no links.
  int file =
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (file < 0) {
    if (errno != ENOENT)
      error = path.string() + ": " +
              (errno == ELOOP ? "is a symbolic link" : std::strerror(errno));
    return nullptr;
  }
  std::shared_ptr<const MappedFile> result = map(file, path, error);
  close(file);
  return result;
}

MappedFile::~MappedFile() {
  if (data)
    munmap(const_cast<char *>(data), size);
}

} // namespace marimba::rt
