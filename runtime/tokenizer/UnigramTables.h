//===- UnigramTables.h - What a unigram model needs -------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_UNIGRAMTABLES_H
#define MARIMBA_RUNTIME_TOKENIZER_UNIGRAMTABLES_H

#include "Pipeline.h"
#include "Vocab.h"

namespace marimba::rt::text {

/// A model of the likeliest tokens, whatever file describes it.
struct UnigramTables {
  Vocab vocab;
  /// By id, the logarithms of probabilities; nothing: the token is not looked
  /// for in texts.
  std::vector<std::optional<double>> scores;
  /// Of characters that are no token, one for all that stand side by side;
  /// nothing: they are lost.
  std::optional<int32_t> unknownId;
  /// Such a character becomes the tokens of its bytes, where there are all.
  bool byteFallback = false;
};

std::unique_ptr<Model> createUnigramModel(UnigramTables tables);

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_UNIGRAMTABLES_H
