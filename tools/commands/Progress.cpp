//===- Progress.cpp - A bar on the terminal -------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/Progress.h"
#include "tools/commands/Output.h"

#include <algorithm>
#include <string>
#include <unistd.h>

using namespace marimba;
using namespace marimba::commands;

Progress::Progress(bool wanted) : enabled(wanted && isatty(STDERR_FILENO)) {}

void Progress::update(double fraction, std::string_view what) {
  if (!enabled)
    return;
  constexpr int width = 30;
  fraction = std::clamp(fraction, 0.0, 1.0);
  int full = static_cast<int>(fraction * width);
  std::string bar(static_cast<size_t>(full), '#');
  bar.append(static_cast<size_t>(width - full), '.');
  std::string percent = std::to_string(static_cast<int>(fraction * 100));
  percent.insert(0, 3 - percent.size(), ' ');
  // Carriage return, the bar, and the rest of the line erased.
  printError("\r[" + bar + "] " + percent + " % " + std::string(what) +
             "\x1b[K");
  drawn = true;
}

void Progress::clear() {
  if (!drawn)
    return;
  printError("\r\x1b[K");
  drawn = false;
}
