//===- Error.h - Messages of the importer -----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_ERROR_H
#define MARIMBA_IMPORTER_ERROR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include <string>

namespace mlir::marimba {

/// Receives one message, without a trailing newline. A message begins with
/// the file it is about and says what was found and what was expected.
using ErrorFn = llvm::function_ref<void(const llvm::Twine &)>;

/// For an ErrorFn: keeps the first message in `error`, behind `before`. Both
/// have to outlive it.
inline auto keepFirst(std::string &error, llvm::StringRef before = {}) {
  return [&error, before](const llvm::Twine &message) {
    if (error.empty())
      error = (before + message).str();
  };
}

/// `'name'`, with unprintable characters escaped and a long name cut: names
/// come from files and may hold anything.
std::string quoted(llvm::StringRef name);

/// `[2, 3]`.
std::string printShape(llvm::ArrayRef<int64_t> shape);

/// The candidate that `name` is most likely a misspelling of, or an empty
/// string. Names whose numbers differ (layers.1 and layers.2) are never near.
llvm::StringRef nearest(llvm::StringRef name,
                        llvm::ArrayRef<llvm::StringRef> candidates);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_ERROR_H
