//===- Commands.h - Commands that need no compiler --------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_COMMANDS_H
#define MARIMBA_TOOLS_COMMANDS_COMMANDS_H

#include "tools/commands/Options.h"

namespace marimba::commands {

// Each has one file, with its options, and lives as long as the program.
Command &runCommand();
Command &chatCommand();
Command &evalCommand();
Command &tokenizeCommand();

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_COMMANDS_H
