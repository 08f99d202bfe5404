//===- Generation.cpp - A prompt goes on ----------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Generation.h"
#include "tools/libmarimba/Memory.h"
#include "tools/libmarimba/Stopwatch.h"

#include "marimba/SavedState.h"
#include "marimba/Session.h"
#include "llvm/ADT/STLExtras.h"

using namespace marimba;
using namespace llvm;

/// Makes a session hold `ids` behind what it holds, a piece at a time. False on
/// failure; `more` becomes whether it may go on.
static bool feed(rt::Session &session, ArrayRef<int32_t> ids, int64_t chunk,
                 function_ref<bool()> goOn, std::vector<float> &logits,
                 bool &more, function_ref<void(size_t)> onPiece,
                 std::string &error) {
  // One call of compiled code between two questions whether to go on.
  for (more = true; more && !ids.empty(); more = goOn()) {
    ArrayRef<int32_t> piece = ids.take_front(static_cast<size_t>(chunk));
    ids = ids.drop_front(piece.size());
    auto wanted = ids.empty() ? rt::LogitsWanted::Last : rt::LogitsWanted::None;
    if (!session.append({piece.data(), piece.size()}, wanted, logits, error))
      return false;
    onPiece(piece.size());
  }
  return true;
}

bool marimba::generate(LoadedModel &model, ArrayRef<int32_t> prompt,
                       const GenerateOptions &options,
                       function_ref<bool(int32_t)> onToken,
                       function_ref<bool()> goOn, NoteFn note,
                       Generation &result, std::string &error) {
  if (!model.checkIds(prompt, error))
    return false;
  // The prompt is sure to be read; how long an answer gets is not known.
  size_t known = prompt.size() +
                 (options.loadState ? options.loadState->tokens().size() : 0);
  if (!checkRoom(model.info(), static_cast<int64_t>(known), 1, error))
    return false;
  std::unique_ptr<rt::Session> session = model.makeSession(error);
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
             ": does not hold what follows its last token: its tokens are "
             "read again");
      std::span<const int32_t> ids = options.loadState->tokens();
      again.assign(ids.begin(), ids.end());
      session->reset(0);
      prompt = again;
    }
    if (logits.empty() && prompt.empty()) {
      error = options.loadState->path().string() +
              ": holds no tokens to go on from, expected a prompt";
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
  if (!feed(*session, prompt, model.chunk(), goOn, logits, more, onPiece,
            error))
    return false;
  if (!more)
    return true;

  rt::Sampler sampler(options.sampler);
  sampler.see(session->tokens(0));
  watch.restart();
  bool interrupted = false;
  for (int64_t made = 0; made < options.maxTokens;) {
    int32_t token = sampler.sample(logits);
    result.tokens.push_back(token);
    result.decodeSeconds = watch.seconds();
    bool more = onToken(token);
    interrupted = !goOn();
    if (!more || interrupted || is_contained(options.endIds, token) ||
        ++made == options.maxTokens)
      break;
    if (!session->append({&token, 1}, rt::LogitsWanted::Last, logits, error))
      return false;
  }
  if (options.saveState.empty() || interrupted)
    return true;
  watch.restart();
  // Nothing was to follow the last token yet.
  if (!result.tokens.empty() &&
      !session->append({&result.tokens.back(), 1}, rt::LogitsWanted::Last,
                       logits, error))
    return false;
  if (!session->save(0, model.stateOrigin(), options.saveState, error,
                     /*attachment=*/{}, logits))
    return false;
  result.saveSeconds = watch.seconds();
  return true;
}
