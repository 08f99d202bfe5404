//===- StopStrings.h - Texts that end an answer -----------------*- C++ -*-===//

#ifndef MARIMBA_STOPSTRINGS_H
#define MARIMBA_STOPSTRINGS_H

#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

/// Holds back what may become one of some texts, and ends at the first one.
class StopStrings {
public:
  /// Empty ones do not count.
  explicit StopStrings(std::vector<std::string> texts);

  /// The text that can be shown now that `piece` has come: nothing of a stop
  /// string, and nothing of what may still become one. In pieces of UTF-8
  /// characters what comes out is whole characters, too.
  std::string push(std::string_view piece);

  /// Whether one was found; nothing comes after it.
  bool stopped() const { return found; }

  /// What was held back, where no stop string was found. After it, the object
  /// is ready for another text.
  std::string flush();

private:
  std::vector<std::string> texts;
  std::string held;
  bool found = false;
};

} // namespace marimba::rt

#endif // MARIMBA_STOPSTRINGS_H
