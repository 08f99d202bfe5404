//===- CutFiles.cpp - Files that shrink while they are mapped -------------===//
//
// Part of Marimba. What the handler calls must be async-signal-safe: it reads
// /proc/self/maps with system calls into memory that is there already.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/CutFiles.h"

#include "marimba/Unfinished.h"
#include <algorithm>
#include <array>
#include <atomic>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace {

/// The lines of /proc/self/maps, one after the other.
class MapsReader {
public:
  MapsReader() : file(open("/proc/self/maps", O_RDONLY | O_CLOEXEC)) {}
  ~MapsReader() {
    if (file >= 0)
      close(file);
  }

  /// The next line without its end, cut where it is longer than any path; false
  /// at the end of the file.
  bool next(std::string_view &line) {
    size_t size = 0;
    for (char c; take(c);) {
      if (c == '\n') {
        line = {text.data(), size};
        return true;
      }
      if (size < text.size())
        text[size++] = c;
    }
    return false;
  }

private:
  bool take(char &c) {
    if (position == filled) {
      ssize_t count = file < 0 ? 0 : read(file, chunk.data(), chunk.size());
      if (count <= 0)
        return false;
      filled = static_cast<size_t>(count);
      position = 0;
    }
    c = chunk[position++];
    return true;
  }

  int file;
  std::array<char, 4096> chunk;
  size_t position = 0, filled = 0;
  std::array<char, PATH_MAX + 128> text;
};

} // namespace

/// Takes a hexadecimal number from the start of `line`.
static uintptr_t takeHex(std::string_view &line) {
  uintptr_t value = 0;
  while (!line.empty()) {
    char c = line.front();
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                       : -1;
    if (digit < 0)
      break;
    value = value << 4 | static_cast<uintptr_t>(digit);
    line.remove_prefix(1);
  }
  return value;
}

/// The path of the file that is mapped at `address`, which `reader` keeps;
/// empty where no file is.
static std::string_view findMappedFile(MapsReader &reader, uintptr_t address) {
  for (std::string_view line; reader.next(line);) {
    // begin-end access offset device inode path
    uintptr_t begin = takeHex(line);
    line.remove_prefix(std::min<size_t>(1, line.size()));
    uintptr_t end = takeHex(line);
    if (address < begin || address >= end)
      continue;
    size_t path = line.find('/');
    return path == line.npos ? std::string_view() : line.substr(path);
  }
  return {};
}

static void print(std::string_view text) {
  while (!text.empty()) {
    ssize_t count = write(STDERR_FILENO, text.data(), text.size());
    if (count <= 0)
      return;
    text.remove_prefix(static_cast<size_t>(count));
  }
}

static void handleBusError(int signal, siginfo_t *info, void *) {
  // Other threads may read the same file: one message is enough.
  static std::atomic_flag reported;
  if (reported.test_and_set())
    while (true)
      pause();
  MapsReader reader;
  std::string_view path =
      info->si_code == BUS_ADRERR
          ? findMappedFile(reader, reinterpret_cast<uintptr_t>(info->si_addr))
          : std::string_view();
  if (path.empty()) {
    // Not what this is for. The instruction runs again, and ends the process.
    reported.clear();
    std::signal(signal, SIG_DFL);
    return;
  }
  marimba::rt::removeUnfinished();
  // A bar may stand in the line.
  if (isatty(STDERR_FILENO))
    print("\r\x1b[K");
  print("error: ");
  print(path);
  print(": became shorter while it was in use, or cannot be read\n");
  _exit(1);
}

void marimba::commands::reportCutFiles() {
  struct sigaction action = {};
  action.sa_sigaction = handleBusError;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}
