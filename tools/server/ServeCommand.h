//===- ServeCommand.h - marimba serve ---------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_SERVECOMMAND_H
#define MARIMBA_TOOLS_SERVER_SERVECOMMAND_H

#include "tools/commands/Options.h"

namespace marimba::server {

/// The command, with what runs it.
commands::Command &serveCommand();

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_SERVECOMMAND_H
