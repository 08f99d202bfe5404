//===- NewFile.cpp - Files that appear whole ------------------------------===//

#include "marimba/NewFile.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>
#include <utility>

namespace marimba::rt {

namespace fs = std::filesystem;

static bool fail(const char *what, std::string &problem) {
  problem = std::string(what) + ": " + std::strerror(errno);
  return false;
}

static constexpr const char *kNotWritten = "cannot be written";

/// A name that nobody else takes.
static std::string uniqueName() {
  std::random_device random;
  char text[64];
  std::snprintf(text, sizeof(text), ".new-%d-%08x%08x", getpid(),
                static_cast<unsigned>(random()),
                static_cast<unsigned>(random()));
  return text;
}

/// Whether a file of `size` bytes is within the limit of the process; else sets
/// errno. Trying it would be answered by a signal, too.
static bool isWithinLimit(uint64_t size) {
  rlimit limit = {};
  if (size > INT64_MAX ||
      (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
       limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur)) {
    errno = EFBIG;
    return false;
  }
  return true;
}

/// What new files of programs may be used for.
static mode_t usualMode() {
  mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

bool NewFile::open(std::string &problem) {
  // A file without a name gets one by way of /proc.
  if (access("/proc/self/fd", X_OK) == 0)
    file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0)
    return true;
  name = uniqueName();
  unfinished = Unfinished(folder / name);
  file = ::open((folder / name).c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC,
                0600);
  if (file >= 0)
    return true;
  unfinished.release();
  name.clear();
  return fail(kNotWritten, problem);
}

std::optional<NewFile> NewFile::create(const fs::path &folder, Use use,
                                       std::string &problem) {
  NewFile result;
  result.folder = folder.empty() ? fs::path(".") : folder;
  result.use = use;
  if (use == Use::Output)
    result.mode = usualMode();
  if (!result.open(problem))
    return std::nullopt;
  return result;
}

/// What `path` leads to, link by link: it need not be there.
static std::optional<fs::path> followLinks(fs::path path) {
  constexpr int most = 40; // as the system
  for (int i = 0; i < most; ++i) {
    std::error_code code;
    fs::path link = fs::read_symlink(path, code);
    if (code)
      return path;
    path = link.is_absolute() ? link : path.parent_path() / link;
  }
  errno = ELOOP;
  return std::nullopt;
}

std::optional<NewFile> NewFile::replace(const fs::path &path, Use use,
                                        std::string &problem) {
  auto refuse = [&](const char *what) {
    problem = what;
    return std::nullopt;
  };
  if (!path.has_filename())
    return refuse("expected the name of a file");
  NewFile result;
  result.use = use;
  if (use == Use::Output)
    result.mode = usualMode();
  struct stat old = {}, found = {};
  bool isThere = stat(path.c_str(), &old) == 0;
  int why = isThere ? 0 : errno;
  if (isThere && !S_ISREG(old.st_mode))
    return refuse("is not a regular file");
  std::optional<fs::path> target = followLinks(path);
  if (!isThere)
    errno = why;
  if ((!isThere && why != ENOENT) || !target ||
      (isThere && access(path.c_str(), W_OK) != 0)) {
    fail(kNotWritten, problem);
    return std::nullopt;
  }
  if (isThere) {
    // An open file that has no name any more, by its name in /dev or /proc.
    if (stat(target->c_str(), &found) != 0 || found.st_ino != old.st_ino ||
        found.st_dev != old.st_dev)
      return refuse("is not a file that can be replaced");
    if (use == Use::Output)
      result.mode = old.st_mode & 0777;
  }
  result.folder = target->parent_path();
  if (result.folder.empty())
    result.folder = ".";
  result.finalName = target->filename().string();
  if (!result.open(problem))
    return std::nullopt;
  return result;
}

NewFile::NewFile(NewFile &&other) noexcept
    : folder(std::move(other.folder)),
      name(std::exchange(other.name, std::string())),
      finalName(std::move(other.finalName)), use(other.use), mode(other.mode),
      file(std::exchange(other.file, -1)),
      unfinished(std::move(other.unfinished)) {}

NewFile::~NewFile() {
  if (!name.empty())
    unlink((folder / name).c_str());
  if (file >= 0)
    close(file);
}

bool NewFile::reserve(uint64_t bytes, std::string &problem) {
  if (!isWithinLimit(bytes))
    return fail(kNotWritten, problem);
  auto size = static_cast<off_t>(bytes);
  if (bytes == 0 || fallocate(file, 0, 0, size) == 0)
    return true;
  if (errno == EOPNOTSUPP || errno == ENOSYS)
    return ftruncate(file, size) == 0 || fail(kNotWritten, problem);
  return fail(kNotWritten, problem);
}

bool NewFile::write(std::span<const char> data, uint64_t offset,
                    std::string &problem) {
  if (!isWithinLimit(offset + data.size()))
    return fail(kNotWritten, problem);
  while (!data.empty()) {
    ssize_t count =
        pwrite(file, data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return fail(kNotWritten, problem);
    data = data.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
  return true;
}

bool NewFile::publish(std::string &problem) {
  return publish(finalName, problem);
}

bool NewFile::publish(const std::string &asName, std::string &problem) {
  if (mode != 0600 && fchmod(file, mode) != 0)
    return fail(kNotWritten, problem);
  if (use != Use::Cache && fsync(file) != 0)
    return fail(kNotWritten, problem);
  if (name.empty()) {
    // A link cannot replace a file, so it gets a name of its own first.
    std::string self = "/proc/self/fd/" + std::to_string(file);
    std::string unique = uniqueName();
    unfinished = Unfinished(folder / unique);
    if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, (folder / unique).c_str(),
               AT_SYMLINK_FOLLOW) != 0)
      return fail("cannot take its name", problem);
    name = unique;
  }
  // Some file systems say only now what could not be written.
  if (close(std::exchange(file, -1)) != 0)
    return fail(kNotWritten, problem);
  if (rename((folder / name).c_str(), (folder / asName).c_str()) != 0)
    return fail("cannot take its name", problem);
  name.clear();
  unfinished.release();
  return true;
}

OutputKind outputKind(const std::string &path) {
  struct stat target = {}, own = {};
  if (path == "-")
    return OutputKind::Stdout;
  if (stat(path.c_str(), &target) != 0)
    return OutputKind::File;
  if (fstat(STDOUT_FILENO, &own) == 0 && own.st_dev == target.st_dev &&
      own.st_ino == target.st_ino)
    return OutputKind::Stdout;
  return S_ISREG(target.st_mode) || S_ISDIR(target.st_mode)
             ? OutputKind::File
             : OutputKind::Stream;
}

bool writeWhole(const fs::path &path, std::span<const char> data,
                std::string &problem) {
  std::optional<NewFile> file =
      NewFile::replace(path, NewFile::Use::Output, problem);
  return file && file->write(data, 0, problem) && file->publish(problem);
}

} // namespace marimba::rt
