//===- KeepList.cpp - What is not to be quantised -------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/quantize/KeepList.h"

using namespace marimba;
using namespace llvm;

bool KeepList::compile(ArrayRef<std::string> texts, std::string &error) {
  for (const std::string &text : texts) {
    Pattern pattern{text, Regex(text)};
    std::string problem;
    if (text.empty() || !pattern.regex.isValid(problem)) {
      error = "--keep: expected a regular expression, found '" + text + "'" +
              (problem.empty() ? "" : ": " + problem);
      return false;
    }
    patterns.push_back(std::move(pattern));
  }
  return true;
}

bool KeepList::matches(StringRef tensor) {
  bool any = false;
  for (Pattern &pattern : patterns)
    if (pattern.regex.match(tensor))
      any = pattern.used = true;
  return any;
}

bool KeepList::allUsed(std::string &error) const {
  for (const Pattern &pattern : patterns)
    if (!pattern.used) {
      error = "--keep: '" + pattern.text +
              "' matches no tensor that would be quantised";
      return false;
    }
  return true;
}
