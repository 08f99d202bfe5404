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

/// A message where `text`, of `file`, is MLIR's bytecode, whose nesting cannot
/// be bounded before it is read; empty where it is not.
std::string checkIsText(llvm::StringRef text, llvm::StringRef file);

/// The same for what a file begins with, whatever its name is. Empty, too, for
/// what is no file.
std::string checkFileIsText(llvm::StringRef file);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_SOURCENESTING_H
