//===- Process.h - What the program asks of the system ----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_PROCESS_H
#define MARIMBA_TOOLS_COMMANDS_PROCESS_H

namespace marimba::commands {

/// To be called first. Writing to a reader that went away, or past the limit on
/// the size of files, becomes an error of the write instead of a signal; a
/// signal that ends the program takes with it what is not finished; stdin,
/// stdout and stderr are never another file that is opened later; and what
/// cannot be written to stdout ends in a message and exit code 1, from wherever
/// the program exits.
void prepareProcess();

/// stderr, also while what is written there is captured.
int messageDescriptor();

/// For a handler of `signal`: removes what is not finished; the process then
/// ends by it.
void endBySignal(int signal);

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_PROCESS_H
