//===- MemoryEnds.h - What the program says where memory ends ---*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_MEMORYENDS_H
#define MARIMBA_TOOLS_MARIMBA_MEMORYENDS_H

namespace marimba::driver {

/// From now on a failed allocation that nobody sees to, here or inside of LLVM,
/// any other exception that nobody catches, and what LLVM calls a fatal error
/// end the program with one line that begins with "error: " and exit code 1.
void reportMemoryEnds();

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_MEMORYENDS_H
