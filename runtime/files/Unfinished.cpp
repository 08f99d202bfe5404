//===- Unfinished.cpp - What a signal must not leave behind ---------------===//
//
// The slots are never freed, so that a handler may walk them at any time; the
// paths in them are, by whoever takes them out.
//
//===----------------------------------------------------------------------===//

#include "marimba/Unfinished.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace marimba::rt {

namespace {
struct Slot {
  std::atomic<char *> path = nullptr;
  Slot *next = nullptr;
};
} // namespace

static std::atomic<Slot *> slots;

Unfinished::Unfinished(const std::filesystem::path &path) {
  std::error_code code;
  std::filesystem::path full = std::filesystem::absolute(path, code);
  char *copy = strdup(code ? path.c_str() : full.c_str());
  if (!copy)
    return;
  for (Slot *entry = slots.load(); entry; entry = entry->next) {
    char *none = nullptr;
    if (entry->path.compare_exchange_strong(none, copy)) {
      slot = &entry->path;
      return;
    }
  }
  auto *entry = new Slot;
  entry->path = copy;
  entry->next = slots.load();
  while (!slots.compare_exchange_weak(entry->next, entry)) {
  }
  slot = &entry->path;
}

Unfinished::Unfinished(Unfinished &&other) noexcept
    : slot(std::exchange(other.slot, nullptr)) {}

Unfinished &Unfinished::operator=(Unfinished &&other) noexcept {
  std::swap(slot, other.slot);
  return *this;
}

void Unfinished::release() {
  if (slot)
    free(slot->exchange(nullptr));
  slot = nullptr;
}

/// Removes the files of a folder by system calls alone: opendir() allocates.
static void removeFiles(const char *path) {
  int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0)
    return;
  alignas(dirent64) char buffer[4096];
  for (long size = 0;
       (size = syscall(SYS_getdents64, folder, buffer, sizeof(buffer))) > 0;)
    for (long at = 0; at < size;) {
      auto *entry = reinterpret_cast<dirent64 *>(buffer + at);
      at += entry->d_reclen;
      std::string_view name = entry->d_name;
      if (name != "." && name != "..")
        unlinkat(folder, entry->d_name, 0);
    }
  close(folder);
}

void removeUnfinished() noexcept {
  for (Slot *entry = slots.load(); entry; entry = entry->next) {
    char *path = entry->path.exchange(nullptr);
    // Not freed: that is not for a handler.
    if (!path || unlink(path) == 0)
      continue;
    // Somebody may be writing a file there, such as a linker.
    constexpr int most = 8;
    for (int i = 0; i < most; ++i) {
      removeFiles(path);
      if (rmdir(path) == 0 || errno != ENOTEMPTY)
        break;
    }
  }
}

} // namespace marimba::rt
