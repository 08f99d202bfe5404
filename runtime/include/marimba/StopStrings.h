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

  /// As push(), of something that has a text but is not shown: a special token.
  /// A stop string may have that text as a whole in it, not a part of it, and
  /// one that does not have it goes on over it.
  std::string pushHidden(std::string_view text);

  /// Whether there are texts to look for.
  bool empty() const { return stops.empty(); }
  /// Whether one was found; nothing comes after it.
  bool stopped() const { return found; }

  /// What was held back, where no stop string was found. After it, the object
  /// is ready for another text.
  std::string flush();

private:
  struct Stop {
    std::string text;
    /// Where what matches its first n bytes up to here begins, in all that was
    /// shown or held; kNone where nothing does.
    std::vector<size_t> begins;
  };
  static constexpr size_t kNone = size_t(-1);

  /// What is sure not to belong to a stop string, where none ends here: one
  /// that begins at `first` was found unless that is kNone.
  std::string release(size_t first);

  std::vector<Stop> stops;
  size_t shown = 0; // bytes
  std::string held;
  bool found = false;
};

} // namespace marimba::rt

#endif // MARIMBA_STOPSTRINGS_H
