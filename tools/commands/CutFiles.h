//===- CutFiles.h - Files that shrink while they are mapped -----*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_CUTFILES_H
#define MARIMBA_TOOLS_COMMANDS_CUTFILES_H

namespace marimba::commands {

/// Weights and kept files are read where they are mapped. Whoever cuts such a
/// file has the system send SIGBUS to its reader: from now on that is one
/// message, which names the file, and exit code 1. Of the process, so for
/// programs only; files that are being written have no name yet.
void reportCutFiles();

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_CUTFILES_H
