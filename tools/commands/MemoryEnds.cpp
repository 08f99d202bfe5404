//===- MemoryEnds.cpp - What the program says where memory ends -----------===//
//
// Part of Marimba. Compiled with exceptions: it looks at what was thrown. There
// may be no memory left, so it writes from the stack, by system calls.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/MemoryEnds.h"

#include "marimba/Unfinished.h"
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <new>
#include <stdexcept>
#include <sys/resource.h>
#include <unistd.h>

/// The size of the last allocation that failed.
static std::atomic<size_t> refused = 0;

/// Ends the program with the first line of `what`.
void marimba::commands::endProgram(const char *what) {
  char line[512];
  int size = std::snprintf(line, sizeof(line) - 1, "error: %s", what);
  size = size < int(sizeof(line)) - 1 ? size : int(sizeof(line)) - 2;
  if (const void *newline = std::memchr(line, '\n', size_t(size)))
    size = int(static_cast<const char *>(newline) - line);
  line[size++] = '\n';
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, line, size_t(size));
  marimba::rt::removeUnfinished();
  // Nothing else runs: destructors and buffers may want memory, too.
  _exit(1);
}

/// The KiB behind `name` in /proc/self/status; 0 where it does not tell.
static unsigned long long statusOf(const char *name) {
  char text[4096];
  int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  ssize_t size = file < 0 ? 0 : read(file, text, sizeof(text) - 1);
  if (file >= 0)
    close(file);
  text[size < 0 ? 0 : size] = 0;
  const char *line = std::strstr(text, name);
  return line ? std::strtoull(line + std::strlen(name), nullptr, 10) : 0;
}

void marimba::commands::endWithoutMemory() {
  char line[400];
  int size = 0;
  auto add = [&](const char *format, auto... values) {
    if (size < int(sizeof(line)))
      size += std::snprintf(line + size, sizeof(line) - size_t(size), format,
                            values...);
  };
  add("no memory");
  if (size_t bytes = refused)
    add(" for %zu bytes more", bytes);
  add(": the process holds %llu MiB (%llu MiB of address space",
      statusOf("VmRSS:") >> 10, statusOf("VmSize:") >> 10);
  rlimit limit = {};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    add(" of %llu that ulimit -v allows",
        static_cast<unsigned long long>(limit.rlim_cur) >> 20);
  add(")");
  endProgram(line);
}

using namespace marimba::commands;

/// Of std::terminate.
[[noreturn]] static void endThrown() {
  try {
    if (std::current_exception())
      throw;
  } catch (const std::bad_alloc &) {
    endWithoutMemory();
  } catch (const std::length_error &) {
    // What a container says of a size that no machine has.
    endWithoutMemory();
  } catch (const std::exception &exception) {
    endProgram(exception.what());
  } catch (...) {
  }
  std::abort();
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MARIMBA_OWN_NEW 0
#endif
#endif
#ifndef MARIMBA_OWN_NEW
/// As the library's, but that it says how much there was no memory for.
void *operator new(size_t bytes) {
  if (void *memory = std::malloc(bytes ? bytes : 1))
    return memory;
  refused = bytes;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }
#endif

void marimba::commands::reportMemoryEnds() { std::set_terminate(endThrown); }
