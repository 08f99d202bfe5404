//===- Progress.h - A bar on the terminal -----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_PROGRESS_H
#define MARIMBA_TOOLS_MARIMBA_PROGRESS_H

#include "tools/libmarimba/LoadedModel.h"
#include "llvm/ADT/StringRef.h"
#include <memory>
#include <string>

namespace marimba::driver {

/// One line on stderr that is drawn again and again; nothing is drawn where
/// stderr is not a terminal. The line is gone when the object is.
class Progress {
public:
  explicit Progress(bool wanted = true);
  ~Progress() { clear(); }
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// Shows that `fraction` of the work is done and `what` comes next.
  void update(double fraction, llvm::StringRef what);

  /// Removes the line.
  void clear();

private:
  bool enabled;
  bool drawn = false;
};

/// LoadedModel::load with a bar, which is gone afterwards.
std::unique_ptr<LoadedModel> loadModel(llvm::StringRef modelDir,
                                       const LoadOptions &options,
                                       std::string &error,
                                       bool showProgress = true);

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_PROGRESS_H
