//===- OutputPath.h - Where a command may write -----------------*- C++ -*-===//
//
// Part of Marimba. Asked before anything takes long.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_OUTPUTPATH_H
#define MARIMBA_TOOLS_LIBMARIMBA_OUTPUTPATH_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace marimba {

/// Whether `output` is none of the files that a command reads: `inputs`, where
/// they are not empty or "-", and what is read of `model`, a directory, a
/// package or a GGUF file, where that is not empty. By whatever names: through
/// links of both kinds. False and `error` where it is one.
bool checkOutput(llvm::StringRef output, llvm::ArrayRef<llvm::StringRef> inputs,
                 llvm::StringRef model, std::string &error);

/// Whether a file `path` can be made or replaced; nothing is left behind. False
/// and `error` where not.
bool canReplace(llvm::StringRef path, std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_OUTPUTPATH_H
