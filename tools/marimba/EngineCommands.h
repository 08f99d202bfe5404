//===- EngineCommands.h - Commands of tools/commands, by LLVM ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_ENGINECOMMANDS_H
#define MARIMBA_TOOLS_MARIMBA_ENGINECOMMANDS_H

#include "tools/marimba/Driver.h"

namespace marimba::driver {

/// run, chat, eval, serve and tokenize with the options of compiling beside
/// their own; what LLVM's parser reads goes to theirs. main calls it once.
std::vector<Command> makeEngineCommands();

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_ENGINECOMMANDS_H
