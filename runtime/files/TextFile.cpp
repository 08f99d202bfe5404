//===- TextFile.cpp - Texts that a user names -----------------------------===//

#include "marimba/TextFile.h"
#include "marimba/FileKind.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace marimba::rt {

//===----------------------------------------------------------------------===//
// UTF-8
//===----------------------------------------------------------------------===//

/// The length of the character at the start of `bytes` (not empty), by the
/// table of well-formed sequences of the Unicode Standard (3.9); 0: none.
static size_t characterLength(std::string_view bytes) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  uint8_t first = byte(0);
  if (first < 0x80)
    return 1;
  if (first < 0xc2 || first > 0xf4)
    return 0;
  size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (bytes.size() < length)
    return 0;
  // No longer form than needed, no surrogate, nothing past U+10FFFF.
  uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < least || byte(1) > most)
    return 0;
  for (size_t i = 2; i < length; ++i)
    if (byte(i) < 0x80 || byte(i) > 0xbf)
      return 0;
  return length;
}

std::string findUtf8Problem(std::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    size_t length = characterLength(bytes.substr(at));
    if (length == 0)
      break;
    at += length;
  }
  if (at == bytes.size())
    return {};
  char text[96];
  std::snprintf(text, sizeof(text),
                "is not UTF-8: byte 0x%02x at offset %zu begins no character",
                static_cast<unsigned>(static_cast<uint8_t>(bytes[at])), at);
  std::string problem = text;
  if (std::string_view kind = fileKind(bytes); !kind.empty())
    problem.append("; it looks like ").append(kind);
  return problem;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

namespace {
/// An open file; stdin stays open.
struct Source {
  int file;
  ~Source() {
    if (file > STDIN_FILENO)
      close(file);
  }
};
} // namespace

/// Reads to the end; false and `problem` where there is none within `most`
/// bytes.
static bool readToEnd(int file, size_t most, std::string &bytes,
                      std::string &problem) {
  constexpr size_t least = 1 << 16;
  for (size_t size = 0;;) {
    if (size == bytes.size())
      bytes.resize(std::min(std::max(2 * size, least), most + 1));
    ssize_t count = ::read(file, bytes.data() + size, bytes.size() - size);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0) {
      problem = std::string("cannot be read: ") + std::strerror(errno);
      return false;
    }
    size += static_cast<size_t>(count);
    if (size > most) {
      problem = "is longer than the " + std::to_string(most) +
                " bytes that a text may have";
      return false;
    }
    if (count == 0) {
      bytes.resize(size);
      return true;
    }
  }
}

std::optional<std::string> readInput(const std::string &path,
                                     std::string &problem) {
  constexpr size_t longestFile = size_t(1) << 30;
  constexpr size_t longestStream = size_t(1) << 28;
  auto fail = [&](const std::string &what) {
    problem = what;
    return std::nullopt;
  };
  // A pipe is waited for: `<(...)` of a shell is one.
  Source source{path == "-"
                    ? STDIN_FILENO
                    : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
  struct stat status = {};
  if (source.file < 0 && errno == ENXIO)
    return fail("is not a regular file");
  if (source.file < 0 || fstat(source.file, &status) != 0)
    return fail(std::string("cannot be read: ") + std::strerror(errno));
  if (S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode))
    return fail("is not a regular file");
  bool isFile = S_ISREG(status.st_mode);
  std::string bytes;
  if (isFile && static_cast<uint64_t>(status.st_size) <= longestFile)
    // One byte more finds the end.
    bytes.resize(static_cast<size_t>(status.st_size) + 1);
  if (!readToEnd(source.file, isFile ? longestFile : longestStream, bytes,
                 problem))
    return std::nullopt;
  return bytes;
}

std::optional<Text> readText(const std::string &path, std::string &problem) {
  std::optional<std::string> bytes = readInput(path, problem);
  if (!bytes)
    return std::nullopt;
  problem = findUtf8Problem(*bytes);
  if (!problem.empty())
    return std::nullopt;
  Text text{std::move(*bytes), {}};
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (text.bytes.starts_with(mark)) {
    text.bytes.erase(0, mark.size());
    text.note = "begins with a byte order mark, which is left out";
  }
  // ASCII of two or four bytes is UTF-8, too.
  auto zeros = std::count(text.bytes.begin(), text.bytes.end(), '\0');
  if (zeros > 0 && static_cast<size_t>(zeros) >= text.bytes.size() / 4)
    text.note = std::to_string(zeros) + " of its " +
                std::to_string(text.bytes.size()) +
                " bytes are 0: is it UTF-16 or UTF-32?";
  return text;
}

} // namespace marimba::rt
