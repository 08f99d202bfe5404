//===- Generation.cpp - A prompt goes on ----------------------------------===//

#include "marimba/Generation.h"

#include "marimba/Room.h"
#include "marimba/SavedState.h"
#include "marimba/Session.h"
#include "marimba/Stopwatch.h"

#include <algorithm>

namespace marimba::rt {

/// Makes a session hold `ids` behind what it holds, a piece at a time. False on
/// failure; `more` becomes whether it may go on.
static bool feed(Session &session, std::span<const int32_t> ids,
                 const std::function<bool()> &goOn, std::vector<float> &logits,
                 bool &more, const std::function<void(size_t)> &onPiece,
                 std::string &error) {
  // One call of compiled code between two questions whether to go on.
  for (more = true; more && !ids.empty(); more = goOn()) {
    std::span<const int32_t> piece = ids.first(
        std::min(ids.size(), static_cast<size_t>(session.untilPieceEnds(0))));
    ids = ids.subspan(piece.size());
    auto wanted = ids.empty() ? LogitsWanted::Last : LogitsWanted::None;
    if (!session.append(piece, wanted, logits, error))
      return false;
    onPiece(piece.size());
  }
  return true;
}

bool generate(const ReadyModel &model, std::span<const int32_t> prompt,
              const GenerateOptions &options,
              const std::function<bool(int32_t)> &onToken,
              const std::function<bool()> &goOn,
              const std::function<void(const std::string &)> &note,
              Generation &result, std::string &error) {
  if (!model.checkIds(prompt, error))
    return false;
  // The prompt is sure to be read; how long an answer gets is not known.
  size_t known = prompt.size() +
                 (options.loadState ? options.loadState->tokens().size() : 0);
  if (!checkRoom(model, static_cast<int64_t>(known), 1, error))
    return false;
  std::unique_ptr<Session> session = model.makeSession(error);
  if (!session)
    return false;

  std::vector<float> logits;
  Stopwatch watch;
  if (options.loadState) {
    if (!session->restore(0, *options.loadState, model.stateOrigin(), note,
                          error))
      return false;
    result.restoredTokens = options.loadState->tokens().size();
    result.restoreSeconds = watch.restart();
  }
  // Without a prompt the choice begins with what followed the last token.
  std::vector<int32_t> again;
  if (prompt.empty() && options.loadState) {
    std::span<const float> saved = options.loadState->logits();
    logits.assign(saved.begin(), saved.end());
    if (logits.empty() && result.restoredTokens > 0) {
      if (note)
        note(options.loadState->path().string() +
             ": has no logits for its last token: its tokens are read again");
      std::span<const int32_t> ids = options.loadState->tokens();
      again.assign(ids.begin(), ids.end());
      session->reset(0);
      prompt = again;
    }
    if (logits.empty() && prompt.empty()) {
      error = options.loadState->path().string() +
              ": has no tokens to continue, expected a prompt";
      return false;
    }
  }
  if (!session->reserve(
          session->length(0) + static_cast<int64_t>(prompt.size()), error))
    return false;
  bool more = true;
  auto onPiece = [&](size_t tokens) {
    result.prefillTokens += tokens;
    result.prefillSeconds = watch.seconds();
  };
  if (!feed(*session, prompt, goOn, logits, more, onPiece, error))
    return false;
  if (!more)
    return true;

  Sampler sampler(options.sampler);
  sampler.see(session->tokens(0));
  watch.restart();
  bool interrupted = false;
  for (int64_t made = 0; made < options.maxTokens;) {
    int32_t token = sampler.sample(logits);
    result.tokens.push_back(token);
    result.decodeSeconds = watch.seconds();
    bool more = onToken(token);
    interrupted = !goOn();
    if (!more || interrupted ||
        std::ranges::find(options.endIds, token) != options.endIds.end() ||
        ++made == options.maxTokens)
      break;
    if (!session->append({&token, 1}, LogitsWanted::Last, logits, error))
      return false;
  }
  if (options.saveState.empty() || interrupted)
    return true;
  watch.restart();
  // Nothing was to follow the last token yet.
  if (!result.tokens.empty() &&
      !session->append({&result.tokens.back(), 1}, LogitsWanted::Last, logits,
                       error))
    return false;
  if (!session->save(0, model.stateOrigin(), options.saveState, error,
                     /*attachment=*/{}, logits))
    return false;
  result.saveSeconds = watch.seconds();
  return true;
}

} // namespace marimba::rt
