//===- Chances.h - Log-probabilities in replies -----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_CHANCES_H
#define MARIMBA_TOOLS_SERVER_CHANCES_H

#include "tools/server/Answers.h"
#include "tools/server/Json.h"

#include "marimba/Tokenizer.h"

namespace marimba::server {

/// A token's entry of OpenAI's chat completions: {"token", "logprob", "bytes",
/// "top_logprobs": [...]}.
Json chanceEntry(const rt::Tokenizer &tokenizer, const AnswerPiece &piece);

/// The tokens of an answer as OpenAI's older completions have them.
class OldChances {
public:
  void add(const rt::Tokenizer &tokenizer, const AnswerPiece &piece);
  bool empty() const { return tokens.empty(); }
  /// {"tokens", "token_logprobs", "top_logprobs", "text_offset"} of what was
  /// added since the last call.
  Json take();

private:
  Json tokens = Json::array(), logs = Json::array(), tops = Json::array(),
       offsets = Json::array();
  size_t offset = 0; // in bytes of the answer
};

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_CHANCES_H
