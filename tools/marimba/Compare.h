//===- Compare.h - A table of models ----------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_COMPARE_H
#define MARIMBA_TOOLS_MARIMBA_COMPARE_H

#include "tools/libmarimba/LoadedModel.h"

namespace marimba::driver {

/// Models to compare with the first of them, and on what.
struct Comparison {
  llvm::ArrayRef<std::string> models;
  llvm::StringRef file; // of `text`, for messages
  llvm::StringRef text;
  int64_t window;
  bool json;
};

/// Loads all of them, compares them, and prints a table. Returns the exit code.
int compare(const Comparison &asked, const LoadOptions &load);

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_COMPARE_H
