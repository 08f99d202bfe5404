//===- Comparison.h - Models against each other -----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MEASURE_COMPARISON_H
#define MARIMBA_TOOLS_MEASURE_COMPARISON_H

#include "marimba/Evaluation.h"
#include "tools/libmarimba/LoadedModel.h"

namespace marimba {

/// How a model does on a text, and how far it is from the first model.
struct ComparedModel {
  rt::Perplexity text; // `seconds` are those of the model alone
  /// Tokens for which it and the first model think the same next one likeliest.
  int64_t agreeing = 0;
  /// Of the first model's predictions P and its own Q: the sum over tokens of
  /// the divergence KL(P || Q), in nats.
  double divergence = 0;
  /// Tokens that were continued one by one, and how long that took.
  int64_t decoded = 0;
  double decodeSeconds = 0;
  /// Whether this is the one that ended the comparison with an error.
  bool failed = false;

  double agreement() const {
    return static_cast<double>(agreeing) / static_cast<double>(text.tokens);
  }
  double meanDivergence() const {
    return divergence / static_cast<double>(text.tokens);
  }
  double tokensPerSecond() const {
    return static_cast<double>(text.tokens + text.windows) / text.seconds;
  }
  double decodedPerSecond() const {
    return static_cast<double>(decoded) / decodeSeconds;
  }
};

/// Runs measurePerplexity() on several models at once, window by window; the
/// models have one tokenizer. Returns false and sets `error` where it does, or
/// where their vocabularies differ.
bool compareModels(llvm::ArrayRef<LoadedModel *> models,
                   const rt::Tokenizer &tokenizer, llvm::StringRef text,
                   int64_t window, const rt::StepFn &step,
                   std::vector<ComparedModel> &results, std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_MEASURE_COMPARISON_H
