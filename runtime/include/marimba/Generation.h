//===- Generation.h - A prompt goes on --------------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_GENERATION_H
#define MARIMBA_RUNTIME_GENERATION_H

#include "marimba/ReadyModel.h"
#include "marimba/Sampler.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace marimba::rt {

class SavedState;

/// How to continue a prompt.
struct GenerateOptions {
  SamplerOptions sampler;
  int64_t maxTokens = 256;
  /// The text ends with any of these.
  std::vector<int32_t> endIds;
  /// Stands in front of the prompt; null for an empty state.
  const SavedState *loadState = nullptr;
  /// Where the prompt and all new tokens are saved, unless it was interrupted;
  /// empty for nowhere.
  std::string saveState;
};

/// What came of it.
struct Generation {
  std::vector<int32_t> tokens; // the new ones, the end included
  size_t prefillTokens = 0;    // of the prompt; all but after an interruption
  double prefillSeconds = 0;   // until the first choice was possible
  double decodeSeconds = 0;    // all tokens after the first
  size_t restoredTokens = 0;   // of the saved state in front
  double restoreSeconds = 0;   // comparing the model and copying the state
  double saveSeconds = 0;      // until it was on the disk
};

/// Continues `prompt` in a session of its own; it may be empty behind a saved
/// state, which then goes on from its last token. `onToken` hears every new
/// token at once and returns whether the text goes on behind it; `goOn` is
/// asked between pieces of a long prompt and between tokens, and where it says
/// no, that is an interruption. `note` hears what a saved state has to say.
/// Returns false and sets `error` on failure.
bool generate(const ReadyModel &model, std::span<const int32_t> prompt,
              const GenerateOptions &options,
              const std::function<bool(int32_t)> &onToken,
              const std::function<bool()> &goOn,
              const std::function<void(const std::string &)> &note,
              Generation &result, std::string &error);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_GENERATION_H
