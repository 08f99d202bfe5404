//===- Evaluation.h - How well a model predicts -----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_EVALUATION_H
#define MARIMBA_TOOLS_LIBMARIMBA_EVALUATION_H

#include "tools/libmarimba/LoadedModel.h"
#include <map>

namespace marimba {
namespace rt {
class Tokenizer;
} // namespace rt

/// Hears how much of the work is done.
using StepFn = llvm::function_ref<void(size_t done, size_t total)>;

/// How well a text was predicted, one token after another.
struct Perplexity {
  int64_t windows = 0;
  int64_t tokens = 0; // predicted tokens
  int64_t bytes = 0;  // of their text; a special token has none
  double nats = 0;    // sum of -ln p over the predicted tokens
  double seconds = 0;

  double loss() const { return nats / static_cast<double>(tokens); }
  double perToken() const;
  double bitsPerByte() const;
};

/// The tokens of `text`; special tokens that it spells out are tokens like all
/// others. Returns false and sets `error` where there is no whole window.
bool tokensOf(const LoadedModel &model, const rt::Tokenizer &tokenizer,
              llvm::StringRef text, int64_t window, std::vector<int32_t> &ids,
              std::string &error);

/// Cuts the tokens of `text` into windows without overlap, drops the last short
/// one, and runs each from an empty state; its first token is not predicted.
/// Returns false and sets `error` as tokensOf().
bool measurePerplexity(LoadedModel &model, const rt::Tokenizer &tokenizer,
                       llvm::StringRef text, int64_t window, StepFn step,
                       Perplexity &result, std::string &error);

/// One text and how it goes on.
struct RecallCase {
  std::string text;
  std::string answer;
  int64_t contextTokens = 0; // what the file says: the group it counts in
};

/// Reads lines of {"text", "answer", "context_tokens_about"}; the last field
/// may be absent. Cases with more context than `limit` are left out (0: none).
bool parseRecallCases(llvm::StringRef jsonl, llvm::StringRef file,
                      int64_t limit, std::vector<RecallCase> &cases,
                      std::string &error);

/// How many texts of a group were continued right.
struct RecallCount {
  int64_t right = 0;
  int64_t cases = 0;
};

/// Continues each text greedily by as many tokens as its answer has; right is
/// what has the answer's ids or its text. Counts by `contextTokens`.
bool measureRecall(LoadedModel &model, const rt::Tokenizer &tokenizer,
                   llvm::ArrayRef<RecallCase> cases, StepFn step,
                   std::map<int64_t, RecallCount> &counts, std::string &error);

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_EVALUATION_H
