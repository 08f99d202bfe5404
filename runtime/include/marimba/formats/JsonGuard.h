//===- JsonGuard.h - What is looked at before JSON is parsed ----*- C++ -*-===//
//
// For both parsers that we use: LLVM's recurses without a limit, and of the
// runtime's values what copies, compares or prints them does.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_FORMATS_JSONGUARD_H
#define MARIMBA_FORMATS_JSONGUARD_H

#include <string>
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
    } else if ((character == '}' || character == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

/// "JSON nests deeper than 64 levels", for messages.
std::string deepJsonText();

/// What `text` is where it cannot be JSON in UTF-8, "is empty, expected JSON";
/// empty where it can be.
std::string describeNoJson(std::string_view text);

} // namespace marimba::rt

#endif // MARIMBA_FORMATS_JSONGUARD_H
