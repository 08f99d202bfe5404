//===- SourceNesting.h - How deep a file of IR nests ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_SOURCENESTING_H
#define MARIMBA_TOOLS_LIBMARIMBA_SOURCENESTING_H

#include "llvm/ADT/StringRef.h"
#include <string>

namespace marimba {

/// MLIR's parser, and much that comes after it, recurses into brackets and
/// along the operators of affine expressions without a limit of its own. Empty
/// where `text` stays within ours, else a message that begins with `file` and
/// the line. What is in strings and comments does not count.
std::string checkSourceNesting(llvm::StringRef text, llvm::StringRef file);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_SOURCENESTING_H
