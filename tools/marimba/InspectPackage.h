//===- InspectPackage.h - What a compiled model is --------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_INSPECTPACKAGE_H
#define MARIMBA_TOOLS_MARIMBA_INSPECTPACKAGE_H

#include "llvm/ADT/StringRef.h"

namespace marimba::driver {

/// Prints what the package says of itself; none of its code runs. Returns the
/// exit code.
int inspectPackage(llvm::StringRef package, bool json);

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_INSPECTPACKAGE_H
