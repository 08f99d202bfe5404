//===- Json.h - Reading JSON files of unknown origin ------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_IMPORTER_HUB_JSON_H
#define MARIMBA_IMPORTER_HUB_JSON_H

#include "importer/Error.h"
#include "mlir/Support/LLVM.h"
#include "llvm/Support/JSON.h"
#include <optional>
#include <vector>

namespace mlir::marimba {

struct JsonOptions {
  /// A name that occurs twice in one object is an error; otherwise the last
  /// one counts, as in Python.
  bool uniqueNames = false;
  /// A text of nothing but white space reads as an object without members.
  bool mayBeEmpty = false;
};

/// Parses `text`; messages begin with `file`. LLVM's parser recurses without a
/// limit and takes no `Infinity`; both are seen to here: deep nesting is an
/// error, and a bare `Infinity`, `-Infinity` or `NaN` reads as
/// `{"__float__": "Infinity"}`, as transformers 5 writes it. A byte order mark
/// of UTF-8 is passed over; other encodings, and what is another file's
/// contents (FileKind.h), are said to be that.
FailureOr<llvm::json::Value> parseJson(llvm::StringRef text,
                                       llvm::StringRef file,
                                       JsonOptions options, ErrorFn emitError);

/// As above, of a text that must be an object.
FailureOr<llvm::json::Object> parseJsonObject(llvm::StringRef text,
                                              llvm::StringRef file,
                                              JsonOptions options,
                                              ErrorFn emitError);

/// Reads all of a regular file of at most `limit` bytes as a JSON object.
/// `file` is the name that messages use for `path`.
FailureOr<llvm::json::Object> readJsonFile(llvm::StringRef path,
                                           llvm::StringRef file, uint64_t limit,
                                           JsonOptions options,
                                           ErrorFn emitError);

/// The integer that `value` is; 2.0 is one, 2.5 and 1e30 are none.
std::optional<int64_t> asInteger(const llvm::json::Value &value);

/// The token ids that `value` is: one or a list of them. What says "none"
/// is none: null, -1, and that as an unsigned number of 32 or 64 bits. Nothing
/// where it is of another kind.
std::optional<std::vector<int64_t>> asTokenIds(const llvm::json::Value &value);

/// `value` as JSON on one line, cut where it is long.
std::string printJson(const llvm::json::Value &value);

} // namespace mlir::marimba

#endif // MARIMBA_IMPORTER_HUB_JSON_H
