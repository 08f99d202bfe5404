//===- ServeMain.cpp - The marimba-serve program --------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

// `marimba serve` for packages: the server without the compiler.

#include "tools/commands/MemoryEnds.h"
#include "tools/commands/Output.h"
#include "tools/commands/Packages.h"
#include "tools/commands/Process.h"
#include "tools/server/ServeCommand.h"

#include <span>

using namespace marimba;

int main(int argc, char **argv) {
  commands::prepareProcess();
  commands::reportMemoryEnds();
  commands::Command &command = server::serveCommand();
  commands::PackageFlags flags(command);
  std::string problem =
      commands::parse(command, std::span<char *const>(argv + 1, argv + argc));
  if (!problem.empty())
    return commands::fail(problem);
  if (!command.model.empty() && !rt::isPackage(command.model))
    return commands::fail(command.model +
                          ": expected a package, which marimba compile makes; "
                          "marimba serve takes model directories, too");
  commands::PackageModels models(&flags);
  return commands::finish(command.run(models));
}
