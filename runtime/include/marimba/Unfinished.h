//===- Unfinished.h - What a signal must not leave behind -------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_UNFINISHED_H
#define MARIMBA_RUNTIME_UNFINISHED_H

#include <atomic>
#include <filesystem>

namespace marimba::rt {

/// A file, or a folder of files, that is on the disk under a name that it shall
/// not keep. While this lives, removeUnfinished() removes it.
class Unfinished {
public:
  Unfinished() = default;
  explicit Unfinished(const std::filesystem::path &path);
  Unfinished(Unfinished &&other) noexcept;
  Unfinished &operator=(Unfinished &&other) noexcept;
  ~Unfinished() { release(); }

  /// It may stay, or is gone.
  void release();

private:
  std::atomic<char *> *slot = nullptr;
};

/// For a program's handlers of signals that end it (async-signal-safe). The
/// library installs none.
void removeUnfinished() noexcept;

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_UNFINISHED_H
