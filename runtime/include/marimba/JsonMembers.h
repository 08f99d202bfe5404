//===- JsonMembers.h - Members of JSON as they are written ------*- C++ -*-===//
//
// For values that are handed on: no library gives back a
// number, a name or an escape as it was.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_JSONMEMBERS_H
#define MARIMBA_RUNTIME_JSONMEMBERS_H

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

/// The members of one JSON object.
class JsonMembers {
public:
  /// `text` is UTF-8. Nothing, and `error` with the column, where it is not one
  /// object by the grammar of RFC 8259, nested at most 64 deep. The result
  /// points into `text`.
  static std::optional<JsonMembers> parse(std::string_view text,
                                          std::string &error);

  /// The text of the value of this name, the last one where there are several;
  /// empty where there is none.
  std::string_view find(std::string_view name) const;

private:
  struct Member {
    std::string name;
    std::string_view value;
  };
  std::vector<Member> members;
};

/// The text that a JSON string, as it is written, stands for; nothing where
/// `written` is another value or escapes half of a surrogate pair.
std::optional<std::string> readJsonString(std::string_view written);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_JSONMEMBERS_H
