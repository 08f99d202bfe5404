//===- JsonMembers.h - Members of JSON as they are written ------*- C++ -*-===//
//
// Part of Marimba. For values that are handed on: no library gives back a
// number, a name or an escape as it was.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_JSONMEMBERS_H
#define MARIMBA_TOOLS_LIBMARIMBA_JSONMEMBERS_H

#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace marimba {

/// The members of one JSON object.
class JsonMembers {
public:
  /// `text` is UTF-8. Nothing, and `error` with the column, where it is not one
  /// object by the grammar of RFC 8259, nested at most 64 deep. The result
  /// points into `text`.
  static std::optional<JsonMembers> parse(llvm::StringRef text,
                                          std::string &error);

  /// The text of the value of this name, the last one where there are several;
  /// empty where there is none.
  llvm::StringRef find(llvm::StringRef name) const;

private:
  struct Member {
    std::string name;
    llvm::StringRef value;
  };
  std::vector<Member> members;
};

/// The text that a JSON string, as it is written, stands for; nothing where
/// `written` is another value or escapes half of a surrogate pair.
std::optional<std::string> readJsonString(llvm::StringRef written);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_JSONMEMBERS_H
