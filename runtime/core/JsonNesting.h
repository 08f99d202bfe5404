//===- JsonNesting.h - How deep JSON nests ----------------------*- C++ -*-===//
//
// The parser of the library does not recurse, but what copies, compares or
// prints its values does: the depth of a file is looked at first.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_RUNTIME_CORE_JSONNESTING_H
#define MARIMBA_RUNTIME_CORE_JSONNESTING_H

#include <string_view>

namespace marimba::rt {

/// Deeper than any file that we read has reason to be.
constexpr int kDeepestJson = 64;

/// Whether `text`, JSON or not, nests deeper.
inline bool nestsTooDeep(std::string_view text) {
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char character = text[i];
    if (character == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i)
        if (text[i] == '\\')
          ++i;
    } else if (character == '{' || character == '[') {
      if (++depth > kDeepestJson)
        return true;
    } else if (character == '}' || character == ']') {
      --depth;
    }
  }
  return false;
}

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CORE_JSONNESTING_H
