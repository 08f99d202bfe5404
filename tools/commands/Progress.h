//===- Progress.h - A bar on the terminal -----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_PROGRESS_H
#define MARIMBA_TOOLS_COMMANDS_PROGRESS_H

#include <string_view>

namespace marimba::commands {

/// One line on stderr that is drawn again and again; nothing is drawn where
/// stderr is not a terminal. The line is gone when the object is.
class Progress {
public:
  explicit Progress(bool wanted = true);
  ~Progress() { clear(); }
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// Shows that `fraction` of the work is done and `what` comes next.
  void update(double fraction, std::string_view what);

  /// Removes the line.
  void clear();

private:
  bool enabled;
  bool drawn = false;
};

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_PROGRESS_H
