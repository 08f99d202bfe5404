//===- AnswerText.cpp - The text of an answer as it comes -----------------===//

#include "marimba/AnswerText.h"

#include "../tokenizer/Unicode.h"

#include <algorithm>

namespace marimba::rt {

const char *answerEndName(AnswerEnd end) {
  switch (end) {
  case AnswerEnd::Model:
    return "model";
  case AnswerEnd::Stop:
    return "stop";
  case AnswerEnd::Length:
    return "length";
  case AnswerEnd::Interrupted:
    return "interrupted";
  }
  return "";
}

AnswerText::AnswerText(const Tokenizer &tokenizer,
                       std::vector<std::string> stops,
                       std::span<const int32_t> prompt,
                       std::vector<int32_t> spoken)
    : tokenizer(&tokenizer), decoder(tokenizer), stops(std::move(stops)),
      spoken(std::move(spoken)) {
  for (int32_t id : prompt)
    decoder.push(id);
  ofPrompt = decoder.pending();
  // A character that the answer completes belongs to the answer.
  if (ofPrompt.find(text::replacementChar) != ofPrompt.npos)
    ofPrompt.clear();
}

std::string AnswerText::push(int32_t id) {
  bool isShown = std::ranges::find(spoken, id) != spoken.end();
  if ((isShown || !stops.empty()) && tokenizer->isSpecial(id))
    return pushSpecial({tokenizer->idToToken(id).value_or(""), {}, isShown});
  return take(decoder.push(id));
}

std::string AnswerText::pushSpecial(Waiting special) {
  std::string behind = decoder.pending();
  if (behind.starts_with(ofPrompt))
    behind.erase(0, ofPrompt.size());
  if (behind.empty() && waiting.empty())
    return special.pushTo(stops);
  special.behind = std::move(behind);
  waiting.push_back(std::move(special));
  // Whether this ends the answer must be known now.
  StopStrings trial = stops;
  std::string shown;
  size_t at = 0;
  for (const Waiting &token : waiting) {
    std::string_view rest = std::string_view(token.behind);
    rest.remove_prefix(std::min(at, rest.size()));
    shown += trial.push(rest);
    at = std::max(at, token.behind.size());
    shown += token.pushTo(trial);
  }
  if (!trial.stopped())
    return {};
  stops = std::move(trial);
  return shown;
}

std::string AnswerText::take(std::string piece) {
  if (piece.empty())
    return {};
  if (!ofPrompt.empty()) {
    if (piece.starts_with(ofPrompt))
      piece.erase(0, ofPrompt.size());
    ofPrompt.clear();
  }
  std::string shown;
  size_t at = 0;
  for (const Waiting &token : waiting) {
    // Where it became other text in the end, the token stands in front.
    size_t end = piece.starts_with(token.behind) ? token.behind.size() : at;
    end = std::max(at, end);
    shown += stops.push(std::string_view(piece).substr(at, end - at));
    shown += token.pushTo(stops);
    at = end;
  }
  waiting.clear();
  return shown + stops.push(std::string_view(piece).substr(at));
}

std::string AnswerText::finish() {
  if (stopped())
    return {};
  std::string rest = decoder.flush();
  if (rest.starts_with(ofPrompt))
    rest.erase(0, ofPrompt.size());
  ofPrompt.clear();
  std::string shown = take(std::move(rest));
  for (const Waiting &token : waiting)
    shown += token.pushTo(stops);
  waiting.clear();
  return shown + (stopped() ? std::string() : stops.flush());
}

} // namespace marimba::rt
