//===- AnswerParts.h - Thoughts, text and calls of an answer ----*- C++ -*-===//

#ifndef MARIMBA_ANSWERPARTS_H
#define MARIMBA_ANSWERPARTS_H

#include "marimba/Thoughts.h"
#include "marimba/ToolCalls.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

/// What came of an answer.
struct AnswerEvent {
  enum class Kind {
    Reasoning, // `text` of the thoughts
    Text,      // `text` of the answer
    CallBegun, // call number `call`, from 0: `id`, `name`
    Arguments, // `text` of the JSON of its arguments
    CallEnded, // and all of its arguments have come
  };
  Kind kind;
  std::string text = {};
  size_t call = 0;
  std::string id = {}, name = {};
};

/// All of an answer.
struct AnswerMessage {
  struct Call {
    std::string id, name, arguments; // JSON, an object
    bool whole = false;              // false where the answer ended inside
  };
  std::string reasoning, text;
  std::vector<Call> calls;

  void add(const AnswerEvent &event);
};

/// Takes the text of an answer apart as it comes, special tokens that are marks
/// included (ChatForm::spoken()). Gives no half of a mark, and text that only
/// looks like a call as text.
class AnswerParts {
public:
  struct Options {
    /// How calls are written; null, or no tools: calls are text.
    const ToolCallForm *form = nullptr;
    std::vector<Tool> tools = {};
    bool begunThoughts = false; // by the prompt
    ThoughtMarks thoughtMarks = {};
    /// Makes the id of a call for which the model has written none; null:
    /// "call_" and 24 random letters and digits.
    std::function<std::string()> makeId = {};
  };
  explicit AnswerParts(Options options);
  ~AnswerParts();

  /// Appends to `events` what can be told now that `text` has come: whole
  /// characters, if `text` is.
  void push(std::string_view text, std::vector<AnswerEvent> &events);
  /// What was held back, at the end of an answer.
  void finish(std::vector<AnswerEvent> &events);

private:
  void take(std::string_view said, bool atEnd,
            std::vector<AnswerEvent> &events);
  bool readText(bool atEnd, std::vector<AnswerEvent> &events);
  bool readCalls(bool atEnd, std::vector<AnswerEvent> &events);
  void say(std::string_view text, std::vector<AnswerEvent> &events);

  Options options;
  Thoughts thoughts;
  std::unique_ptr<CallReader> reader; // null: no calls
  std::string held;                   // of the answer, not told yet
  bool isInCall = false;              // `held` begins with one, or its mark
  /// In `held`, of a call: where its mark ends, and how far it was read.
  size_t markEnd = 0, readTo = 0;
  size_t begunCalls = 0, begunBefore = 0;
  bool anySaid = false; // text that is not white space, or a call
};

} // namespace marimba::rt

#endif // MARIMBA_ANSWERPARTS_H
