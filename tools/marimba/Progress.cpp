//===- Progress.cpp - A bar on the terminal -------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/Progress.h"
#include "tools/marimba/Driver.h"
#include "tools/marimba/Interrupt.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <string>
#include <unistd.h>

using namespace marimba;
using namespace marimba::driver;

Progress::Progress(bool wanted) : enabled(wanted && isatty(STDERR_FILENO)) {}

void Progress::update(double fraction, llvm::StringRef what) {
  if (!enabled)
    return;
  constexpr int width = 30;
  fraction = std::clamp(fraction, 0.0, 1.0);
  int full = static_cast<int>(fraction * width);
  std::string bar(full, '#');
  bar.append(width - full, '.');
  // Carriage return, the bar, and the rest of the line erased.
  llvm::errs() << llvm::formatv("\r[{0}] {1,3} % {2}\x1b[K", bar,
                                static_cast<int>(fraction * 100), what);
  llvm::errs().flush();
  drawn = true;
}

void Progress::clear() {
  if (!drawn)
    return;
  llvm::errs() << "\r\x1b[K";
  llvm::errs().flush();
  drawn = false;
}

std::unique_ptr<LoadedModel> driver::loadModel(llvm::StringRef modelDir,
                                               const LoadOptions &options,
                                               std::string &error,
                                               bool showProgress) {
  Progress bar(showProgress);
  return LoadedModel::load(
      modelDir, options, error,
      [&](double fraction, llvm::StringRef what) {
        bar.update(fraction, what);
      },
      [&](llvm::StringRef note) {
        bar.clear();
        printNote(note);
      },
      [] { return !interrupted(); });
}
