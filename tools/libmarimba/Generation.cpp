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
  if (!session->reserve(
          session->length(0) + static_cast<int64_t>(prompt.size()), error))
    return false;
  // One call of compiled code between two questions whether to go on.
  for (ArrayRef<int32_t> rest = prompt; !rest.empty();) {
    ArrayRef<int32_t> piece =
        rest.take_front(static_cast<size_t>(model.chunk()));
    rest = rest.drop_front(piece.size());
    auto wanted =
        rest.empty() ? rt::LogitsWanted::Last : rt::LogitsWanted::None;
    if (!session->append({piece.data(), piece.size()}, wanted, logits, error))
      return false;
    result.prefillTokens += piece.size();
    result.prefillSeconds = watch.seconds();
    if (!goOn())
      return true;
  }

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
      !session->append({&result.tokens.back(), 1}, rt::LogitsWanted::None,
                       logits, error))
    return false;
  if (!session->save(0, model.stateOrigin(), options.saveState, error))
    return false;
  result.saveSeconds = watch.seconds();
  return true;
}
