//===- Output.cpp - What commands print and read --------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/Output.h"

#include "marimba/TextFile.h"
#include <cerrno>
#include <charconv>
#include <unistd.h>
#include <utility>

namespace marimba::commands {

/// Of stdout: what was not written yet, and the first failure.
static std::string pending;
static std::error_code failure;

/// Writes all of it; errno where that fails, else 0.
static int writeAll(int file, std::string_view text) {
  while (!text.empty()) {
    ssize_t count = write(file, text.data(), text.size());
    if (count < 0 && errno != EINTR && errno != EAGAIN)
      return errno;
    if (count > 0)
      text.remove_prefix(static_cast<size_t>(count));
  }
  return 0;
}

void flush() {
  if (!failure)
    if (int code = writeAll(STDOUT_FILENO, pending))
      failure = std::error_code(code, std::generic_category());
  pending.clear();
}

void print(std::string_view text) {
  static const bool atOnce = isatty(STDOUT_FILENO);
  constexpr size_t most = 1 << 14;
  pending += text;
  if (atOnce || pending.size() >= most)
    flush();
}

std::error_code outputError() { return failure; }

int finish(int code) {
  flush();
  std::error_code failed = std::exchange(failure, {});
  return failed ? fail("stdout: " + failed.message()) : code;
}

void printError(std::string_view text) { writeAll(STDERR_FILENO, text); }

int fail(std::string_view message) {
  flush();
  printError("error: " + std::string(message) + "\n");
  return 1;
}

void printNote(const std::string &message) {
  printError("note: " + message + "\n");
}

std::optional<std::vector<int32_t>> parseIds(std::string_view text,
                                             const std::string &what) {
  std::vector<int32_t> ids;
  constexpr std::string_view separators = ", \t\r\n[]";
  for (;;) {
    text.remove_prefix(
        std::min(text.find_first_not_of(separators), text.size()));
    if (text.empty())
      break;
    std::string_view word = text.substr(0, text.find_first_of(separators));
    text.remove_prefix(word.size());
    int32_t id = 0;
    auto [end, code] =
        std::from_chars(word.data(), word.data() + word.size(), id);
    if (code != std::errc() || end != word.data() + word.size() || id < 0) {
      fail(what + ": expected token ids such as 3,17,5, found '" +
           std::string(word) + "'");
      return std::nullopt;
    }
    ids.push_back(id);
  }
  if (!ids.empty())
    return ids;
  fail(what + ": expected token ids such as 3,17,5, found none");
  return std::nullopt;
}

std::string joinIds(std::span<const int32_t> ids, std::string_view separator) {
  std::string text;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i)
      text += separator;
    text += std::to_string(ids[i]);
  }
  return text;
}

std::optional<std::string> readFile(const std::string &path) {
  std::string problem, name = path == "-" ? "stdin" : path;
  std::optional<rt::Text> text = rt::readText(path, problem);
  if (!text) {
    fail(name + ": " + problem);
    return std::nullopt;
  }
  if (!text->note.empty())
    printNote(name + ": " + text->note);
  return std::move(text->bytes);
}

bool checkText(std::string_view what, std::string_view text) {
  std::string problem = rt::findUtf8Problem(text);
  if (!problem.empty())
    fail(std::string(what) + ": " + problem);
  return problem.empty();
}

} // namespace marimba::commands
