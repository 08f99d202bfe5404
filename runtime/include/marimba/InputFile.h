//===- InputFile.h - Files of others ----------------------------*- C++ -*-===//
//
// How a file that somebody else wrote is opened and read. A `problem` says what
// is wrong in words that go behind the file's name, which is left out.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_INPUTFILE_H
#define MARIMBA_RUNTIME_INPUTFILE_H

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace marimba::rt {

/// Of a file that is read as one text: configurations, tokenizers, templates.
/// Generous: a hundred thousand tensors, or tokens, take 20 MiB.
inline constexpr uint64_t kLongestText = uint64_t(1) << 28;

/// A regular file, open for reading.
class InputFile {
public:
  /// Nothing, and `problem`, where `path` cannot be opened or leads to
  /// something else: a folder, a pipe, a socket or a device, none of which is
  /// waited for. `followLink`: whether it may be a symbolic link.
  static std::optional<InputFile>
  open(const std::string &path, std::string &problem, bool followLink = true);
  InputFile(InputFile &&other) noexcept;
  InputFile &operator=(InputFile &&) = delete;
  ~InputFile();

  int descriptor() const { return file; }
  /// In bytes, when it was opened.
  uint64_t size() const { return bytes; }

  /// Fills `to` with what stands from `offset` on. False and `problem` where
  /// the file is too short by now, too.
  bool read(std::span<char> to, uint64_t offset, std::string &problem) const;

private:
  InputFile() = default;

  int file = -1;
  uint64_t bytes = 0;
};

/// Whether something has this name, be it a link to nothing: then it is meant
/// to be read, and what is wrong with it to be said.
bool isThere(const std::string &path);

/// All of a regular file of at most `most` bytes; nothing, and `problem`, where
/// it is another kind of file, is longer or cannot be read.
std::optional<std::string> readWhole(const std::string &path, uint64_t most,
                                     std::string &problem);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_INPUTFILE_H
