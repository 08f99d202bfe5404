//===- InputFile.cpp - Files of others ------------------------------------===//

#include "marimba/InputFile.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace marimba::rt {

static std::nullopt_t fail(const std::string &what, std::string &problem) {
  problem = what;
  return std::nullopt;
}

static std::string unreadable() {
  return std::string("cannot be read: ") + std::strerror(errno);
}

std::optional<InputFile> InputFile::open(const std::string &path,
                                         std::string &problem,
                                         bool followLink) {
  InputFile result;
  // Not to wait for who writes into a pipe.
  result.file =
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
                               (followLink ? 0 : O_NOFOLLOW));
  struct stat status = {};
  if (result.file < 0) {
    // A socket cannot even be opened, nor can a device without a driver.
    if (errno == ENXIO || errno == ENODEV)
      return fail("is not a regular file", problem);
    if (errno == ELOOP && !followLink)
      return fail("is a symbolic link", problem);
    return fail(unreadable(), problem);
  }
  if (fstat(result.file, &status) != 0)
    return fail(unreadable(), problem);
  if (!S_ISREG(status.st_mode))
    return fail("is not a regular file", problem);
  result.bytes = static_cast<uint64_t>(status.st_size);
  return result;
}

InputFile::InputFile(InputFile &&other) noexcept
    : file(std::exchange(other.file, -1)), bytes(other.bytes) {}

InputFile::~InputFile() {
  if (file >= 0)
    close(file);
}

bool InputFile::read(std::span<char> to, uint64_t offset,
                     std::string &problem) const {
  while (!to.empty()) {
    ssize_t count =
        pread(file, to.data(), to.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0) {
      problem = count < 0 ? unreadable() : "became shorter while it was read";
      return false;
    }
    to = to.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
  return true;
}

bool isThere(const std::string &path) {
  struct stat status = {};
  return lstat(path.c_str(), &status) == 0;
}

std::optional<std::string> readWhole(const std::string &path, uint64_t most,
                                     std::string &problem) {
  std::optional<InputFile> file = InputFile::open(path, problem);
  if (!file)
    return std::nullopt;
  if (file->size() > most)
    return fail("is " + std::to_string(file->size()) +
                    " bytes long, expected at most " + std::to_string(most),
                problem);
  std::string bytes(file->size(), 0);
  if (!file->read(bytes, 0, problem))
    return std::nullopt;
  return bytes;
}

} // namespace marimba::rt
