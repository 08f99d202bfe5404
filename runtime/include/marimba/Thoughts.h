//===- Thoughts.h - What a model thinks before it answers -------*- C++ -*-===//

#ifndef MARIMBA_THOUGHTS_H
#define MARIMBA_THOUGHTS_H

#include <string>
#include <string_view>

namespace marimba::rt {

/// The marks around thoughts.
inline constexpr std::string_view kThoughtsBegin = "<think>";
inline constexpr std::string_view kThoughtsEnd = "</think>";

struct ThoughtMarks {
  std::string_view begin = kThoughtsBegin, end = kThoughtsEnd;
  /// Around the answer, behind thoughts or without; empty: nothing is.
  std::string_view answerBegin = {}, answerEnd = {};

  /// Those that the source of a chat template has; <think> where it has none.
  static ThoughtMarks of(std::string_view source);
  /// Whether a prompt ends with the first one, so that thoughts are begun.
  bool areBegun(std::string_view prompt) const;
};

/// Tells the thoughts at the beginning of an answer, between two marks, from
/// the rest, piece by piece, and takes the marks around that away.
class Thoughts {
public:
  /// `begun`: the prompt has ended with the first mark, so that the answer
  /// begins inside.
  explicit Thoughts(bool begun, ThoughtMarks marks = {})
      : begun(begun), marks(marks) {}

  /// Takes a piece; what is no thought of it and of what was held back, where a
  /// mark may begin there.
  std::string push(std::string_view piece);
  /// What was held back, at the end of an answer.
  std::string finish();

  /// The thoughts so far, without the marks and the white space around.
  std::string text() const;
  /// What is new of text() since the last call. White space is held back until
  /// something follows it.
  std::string takeText();

private:
  enum class Place {
    Before, // nothing but white space so far, and perhaps the start of a mark
    Inside,
    Behind, // nothing but white space since the end mark
    Answer, // between marks
    After
  };
  /// Where the answer may begin with a mark: false while that is not known.
  bool enterAnswer();
  std::string takeAnswer();

  bool begun;
  ThoughtMarks marks;
  Place place = Place::Before;
  std::string held, thought;
  size_t taken = 0; // of `thought`
};

} // namespace marimba::rt

#endif // MARIMBA_THOUGHTS_H
