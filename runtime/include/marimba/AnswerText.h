//===- AnswerText.h - The text of an answer as it comes ---------*- C++ -*-===//

#ifndef MARIMBA_ANSWERTEXT_H
#define MARIMBA_ANSWERTEXT_H

#include "marimba/StopStrings.h"
#include "marimba/Tokenizer.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace marimba::rt {

/// Why an answer ends: by a token that ends a text, by a stop text, because it
/// has as many tokens as it may have, or because somebody said so.
enum class AnswerEnd { Model, Stop, Length, Interrupted };

/// "model", "stop", "length", "interrupted"
const char *answerEndName(AnswerEnd end);

/// Decodes an answer token by token and ends it at texts. Special tokens are
/// not shown, but a stop text may name them: it is searched for in the text
/// with all special tokens, or some, or none of them.
class AnswerText {
public:
  /// `prompt` stands in front of the answer and decides how that is decoded.
  /// Special tokens `spoken` are text as others are. `tokenizer` must outlive
  /// this.
  AnswerText(const Tokenizer &tokenizer, std::vector<std::string> stops,
             std::span<const int32_t> prompt, std::vector<int32_t> spoken = {});

  /// The text that can be shown now that `id` has come: whole characters,
  /// nothing of a stop text or of what may become one.
  std::string push(int32_t id);
  /// Whether a stop text was found; nothing comes after it.
  bool stopped() const { return stops.stopped(); }
  /// What was held back, at the end of an answer.
  std::string finish();

private:
  /// A special token behind text that is not certain yet.
  struct Waiting {
    std::string text, behind;
    bool isShown;

    std::string pushTo(StopStrings &to) const {
      return isShown ? to.push(text) : to.pushHidden(text);
    }
  };
  std::string pushSpecial(Waiting special);
  /// Takes certain text, and the special tokens that waited for it.
  std::string take(std::string piece);

  const Tokenizer *tokenizer;
  StreamDecoder decoder;
  StopStrings stops;
  std::vector<Waiting> waiting;
  std::vector<int32_t> spoken; // special tokens
  /// Text of the prompt that the decoder has not given yet.
  std::string ofPrompt;
};

} // namespace marimba::rt

#endif // MARIMBA_ANSWERTEXT_H
