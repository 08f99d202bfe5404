//===- Thoughts.h - What a model thinks before it answers -------*- C++ -*-===//

#ifndef MARIMBA_THOUGHTS_H
#define MARIMBA_THOUGHTS_H

#include <string>
#include <string_view>

namespace marimba::rt {

/// The marks around thoughts.
inline constexpr std::string_view kThoughtsBegin = "<think>";
inline constexpr std::string_view kThoughtsEnd = "</think>";

/// Tells the thoughts at the beginning of an answer, between <think> and
/// </think>, from the rest, piece by piece.
class Thoughts {
public:
  /// `begun`: the prompt has ended with <think>, so that the answer begins
  /// inside.
  explicit Thoughts(bool begun) : begun(begun) {}

  /// Takes a piece; what is no thought of it and of what was held back, where a
  /// mark may begin there.
  std::string push(std::string_view piece);
  /// What was held back, at the end of an answer.
  std::string finish();

  /// The thoughts so far, without the marks and the white space around.
  std::string text() const;

private:
  enum class Place {
    Before, // nothing but white space so far, and perhaps the start of a mark
    Inside,
    Behind, // nothing but white space since the end mark
    After
  };

  bool begun;
  Place place = Place::Before;
  std::string held, thought;
};

} // namespace marimba::rt

#endif // MARIMBA_THOUGHTS_H
