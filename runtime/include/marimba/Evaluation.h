//===- Evaluation.h - How well a model predicts -----------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_EVALUATION_H
#define MARIMBA_RUNTIME_EVALUATION_H

#include "marimba/ReadyModel.h"

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

class Tokenizer;

/// Hears how much of the work is done.
using StepFn = std::function<void(size_t done, size_t total)>;

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
bool tokensOf(const ReadyModel &model, const Tokenizer &tokenizer,
              std::string_view text, int64_t window, std::vector<int32_t> &ids,
              std::string &error);

/// Cuts the tokens of `text` into windows without overlap, drops the last short
/// one, and runs each from an empty state; its first token is not predicted.
/// Returns false and sets `error` as tokensOf().
bool measurePerplexity(const ReadyModel &model, const Tokenizer &tokenizer,
                       std::string_view text, int64_t window,
                       const StepFn &step, Perplexity &result,
                       std::string &error);

/// One text and how it goes on.
struct RecallCase {
  std::string text;
  std::string answer;
  int64_t contextTokens = 0; // what the file says: the group it counts in
};

/// Reads lines of {"text", "answer", "context_tokens_about"}; the last field
/// may be absent. Cases with more context than `limit` are left out (0: none).
bool parseRecallCases(std::string_view jsonl, const std::string &file,
                      int64_t limit, std::vector<RecallCase> &cases,
                      std::string &error);

/// How many texts of a group were continued right.
struct RecallCount {
  int64_t right = 0;
  int64_t cases = 0;
};

/// Continues each text greedily by as many tokens as its answer has; right is
/// what has the answer's ids or its text. Counts by `contextTokens`.
bool measureRecall(const ReadyModel &model, const Tokenizer &tokenizer,
                   std::span<const RecallCase> cases, const StepFn &step,
                   std::map<int64_t, RecallCount> &counts, std::string &error);

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_EVALUATION_H
