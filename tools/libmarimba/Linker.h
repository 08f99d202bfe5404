//===- Linker.h - Object files to shared objects ----------------*- C++ -*-===//
//
// Part of Marimba. Runs the system's linker: LLVM's is no part of what this is
// built with.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_LINKER_H
#define MARIMBA_TOOLS_LIBMARIMBA_LINKER_H

#include "tools/libmarimba/NewDirectory.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace marimba {

/// Links the object file `object` as the file `name` in `folder`. It shows what
/// abi.h says a module has, and nothing else; what it calls is found when it is
/// loaded. False, with `error` set, where there is no linker or it fails.
bool linkModule(llvm::StringRef object, NewDirectory &folder,
                llvm::StringRef name, std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_LINKER_H
