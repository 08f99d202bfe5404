//===- Split.h - Splitting words at matches ---------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_SPLIT_H
#define MARIMBA_RUNTIME_TOKENIZER_SPLIT_H

#include "Pipeline.h"

namespace marimba::rt::text {

/// What becomes of a match.
enum class SplitBehavior {
  Removed,
  Isolated,
  MergedWithPrevious,
  MergedWithNext,
  Contiguous, ///< Matches without text between are one word.
};

/// Throws FieldError where `field` names none.
SplitBehavior readSplitBehavior(const Field &field);

/// Splits one word. `word` and `sink` must outlive it.
class Splitter {
public:
  /// `inverted`: what is between the matches counts as the matches.
  Splitter(const Word &word, SplitBehavior behavior, bool inverted,
           const WordSink &sink)
      : word(word), behavior(behavior), inverted(inverted), sink(sink) {}

  /// Matches come from left to right. An empty one cuts there.
  void addMatch(size_t start, size_t end);
  void finish();

private:
  void addPart(size_t end, bool isMatch);
  void emit(size_t end);

  const Word &word;
  SplitBehavior behavior;
  bool inverted;
  const WordSink &sink;
  /// What is before `emitted` went to the sink; what is between it and `done`
  /// is a word that may still grow.
  size_t emitted = 0, done = 0;
  bool lastIsMatch = false;
};

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_SPLIT_H
