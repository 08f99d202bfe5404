//===- MemoryEnds.h - What the program says where memory ends ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_MEMORYENDS_H
#define MARIMBA_TOOLS_COMMANDS_MEMORYENDS_H

namespace marimba::commands {

/// From now on a failed allocation that nobody sees to, and any other exception
/// that nobody catches, end the program with one line that begins with
/// "error: " and exit code 1.
void reportMemoryEnds();

/// Ends the program so: with the first line of `what`, or with what memory
/// there is.
[[noreturn]] void endProgram(const char *what);
[[noreturn]] void endWithoutMemory();

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_MEMORYENDS_H
