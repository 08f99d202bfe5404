//===- Batch.h - Many prompts together --------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_BATCH_H
#define MARIMBA_TOOLS_LIBMARIMBA_BATCH_H

#include "tools/libmarimba/LoadedModel.h"

#include "marimba/Sampler.h"

namespace marimba {

struct BatchPrompt {
  std::vector<int32_t> ids; // one at least
  /// Start of the random numbers of this one.
  uint64_t seed = 0;
};

struct BatchOptions {
  rt::SamplerOptions sampler; // `seed` is that of each prompt
  int64_t maxTokens = 256;
  std::vector<int32_t> endIds;
  /// Sequences at once.
  int32_t slots = 8;
};

/// Hears what comes.
class BatchListener {
public:
  virtual ~BatchListener() = default;
  /// A new token of the prompt `index`. Returns whether its text goes on.
  virtual bool token(size_t index, int32_t id) = 0;
  /// No more tokens of it follow. False ends everything with `error`.
  virtual bool finished(size_t index, std::string &error) = 0;
  /// What messages call the prompt `index`.
  virtual std::string describe(size_t index) const {
    return "prompt " + std::to_string(index + 1);
  }
  /// Asked between steps; false ends everything, without an error.
  virtual bool goOn() = 0;
};

/// Continues all prompts, as many at once as there are slots, in their order; a
/// finished one makes place for the next. Each gets the tokens that it would
/// get alone, up to the rounding of sums. False and `error` on failure: one
/// prompt whose logits are not finite ends all of it.
bool generateBatch(LoadedModel &model, llvm::ArrayRef<BatchPrompt> prompts,
                   const BatchOptions &options, BatchListener &listener,
                   std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_BATCH_H
