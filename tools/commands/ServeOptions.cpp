//===- ServeOptions.cpp - Options of marimba serve ------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/ServeOptions.h"

using namespace marimba;

commands::ServeOptions &commands::serveOptions() {
  static ServeOptions instance;
  return instance;
}
