//===- PackageWriter.h - A model to a folder with its code ------*- C++ -*-===//
//
// Part of Marimba. What marimba/Package.h reads.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_PACKAGEWRITER_H
#define MARIMBA_TOOLS_LIBMARIMBA_PACKAGEWRITER_H

#include "tools/libmarimba/Compiler.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace marimba {

/// Compiles `modelDir`, which must have weights, into the folder `path`, which
/// must be new or empty and appears when all of it is written. The weights stay
/// where they are. False, with `error` set, where that fails. `notes` gets what
/// a person should know of how the model was read.
bool writePackage(llvm::StringRef modelDir, const CompileOptions &options,
                  llvm::StringRef path, std::vector<std::string> &notes,
                  std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_PACKAGEWRITER_H
