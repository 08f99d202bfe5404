//===- Interrupt.h - Ctrl-C -------------------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_INTERRUPT_H
#define MARIMBA_TOOLS_COMMANDS_INTERRUPT_H

namespace marimba::commands {

/// The exit code of a program that Ctrl-C ended.
constexpr int kInterruptedExitCode = 130;

/// From now on the first Ctrl-C only sets a flag; the second one kills.
void catchInterrupt();

/// From now on every Ctrl-C only sets a flag, and ends a read that waits: for
/// programs that go on after it.
void catchEveryInterrupt();

/// Whether Ctrl-C was pressed since.
bool interrupted();

/// Forgets that it was.
void clearInterrupt();

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_INTERRUPT_H
