//===- TextFile.h - Texts that a user names ---------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TEXTFILE_H
#define MARIMBA_RUNTIME_TEXTFILE_H

#include <optional>
#include <string>
#include <string_view>

namespace marimba::rt {

/// What is wrong with `bytes` as UTF-8: the offset of the first byte that is
/// none, as Python counts, and what the bytes look like; empty where nothing
/// is.
std::string findUtf8Problem(std::string_view bytes);

/// The whole of a file, a pipe, a terminal, or of stdin where `path` is "-".
/// Nothing, and `problem` (to go behind its name), where it cannot be read or
/// does not end: at most 1 GiB of a file, 256 MiB of others.
std::optional<std::string> readInput(const std::string &path,
                                     std::string &problem);

struct Text {
  std::string bytes; // UTF-8
  /// What its reader may want to know, to go behind its name; empty: nothing.
  std::string note;
};

/// As readInput(), of a text that a user names: nothing, and `problem`, where
/// it is not UTF-8, too. A byte order mark in front is left out, with a note.
std::optional<Text> readText(const std::string &path, std::string &problem);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_TEXTFILE_H
