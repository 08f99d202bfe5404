//===- BuildIdentity.h - Which Marimba this is ------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_BUILDIDENTITY_H
#define MARIMBA_TOOLS_LIBMARIMBA_BUILDIDENTITY_H

#include <string>

namespace marimba {

/// Differs between builds of the compiler that may make different code: the
/// linker's build ids of this program and of the LLVM and MLIR libraries it
/// runs with. Where a file has none, its size and time stand for it.
std::string buildIdentity();

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_BUILDIDENTITY_H
