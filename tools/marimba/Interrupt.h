//===- Interrupt.h - Ctrl-C -------------------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_INTERRUPT_H
#define MARIMBA_TOOLS_MARIMBA_INTERRUPT_H

namespace marimba::driver {

/// The exit code of a program that Ctrl-C ended.
constexpr int kInterruptedExitCode = 130;

/// From now on the first Ctrl-C only sets a flag; the second one kills.
void catchInterrupt();

/// Whether Ctrl-C was pressed since.
bool interrupted();

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_INTERRUPT_H
