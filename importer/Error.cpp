//===- Error.cpp - Messages of the importer ---------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "importer/Error.h"
#include "marimba/formats/Message.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <algorithm>

namespace mlir::marimba {

std::string quoted(llvm::StringRef name) {
  return ::marimba::formats::quotedName(name);
}

std::string printShape(llvm::ArrayRef<int64_t> shape) {
  return ::marimba::formats::printShape(shape);
}

static std::string digitsOf(llvm::StringRef name) {
  std::string digits;
  for (size_t i = 0; i < name.size(); ++i)
    if (llvm::isDigit(name[i]))
      digits += name[i];
    else if (!digits.empty() && digits.back() != '.')
      digits += '.';
  return digits;
}

llvm::StringRef nearest(llvm::StringRef name,
                        llvm::ArrayRef<llvm::StringRef> candidates) {
  unsigned best = std::max<size_t>(2, name.size() / 6) + 1;
  std::string digits = digitsOf(name);
  llvm::StringRef found;
  for (llvm::StringRef candidate : candidates) {
    size_t longer = std::max(candidate.size(), name.size());
    size_t shorter = std::min(candidate.size(), name.size());
    if (longer - shorter >= best)
      continue;
    // A missing or added ".weight" or "model." must not lose against a shorter
    // way to another tensor, so numbers are compared before letters.
    std::string other = digitsOf(candidate);
    if (llvm::StringRef(other).rtrim('.') != llvm::StringRef(digits).rtrim('.'))
      continue;
    unsigned distance = name.edit_distance(candidate, true, best);
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

} // namespace mlir::marimba
