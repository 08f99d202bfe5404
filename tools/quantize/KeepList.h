//===- KeepList.h - What is not to be quantised -----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_QUANTIZE_KEEPLIST_H
#define MARIMBA_TOOLS_QUANTIZE_KEEPLIST_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Regex.h"

#include <string>
#include <vector>

namespace marimba {

/// What to keep, as the command's user says it: regular expressions.
class KeepList {
public:
  bool compile(llvm::ArrayRef<std::string> patterns, std::string &error);
  /// Whether `tensor`, which would be quantised, stays.
  bool matches(llvm::StringRef tensor);
  /// Reports a pattern that nothing matched.
  bool allUsed(std::string &error) const;

private:
  struct Pattern {
    std::string text;
    llvm::Regex regex;
    bool used = false;
  };
  std::vector<Pattern> patterns;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_QUANTIZE_KEEPLIST_H
