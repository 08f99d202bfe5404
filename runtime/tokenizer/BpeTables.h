//===- BpeTables.h - What byte-pair encoding needs --------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_BPETABLES_H
#define MARIMBA_RUNTIME_TOKENIZER_BPETABLES_H

#include "BpeMerges.h"
#include "Pipeline.h"
#include "Vocab.h"

namespace marimba::rt::text {

/// A model of byte-pair encoding, whatever file describes it.
struct BpeTables {
  Vocab vocab;
  BpeMerges merges; ///< Of ids of `vocab`.
  /// Of a character that is no token; nothing: it is lost.
  std::optional<int32_t> unknownId;
  /// Such a character becomes the tokens of its bytes, where there are all.
  bool byteFallback = false;
  /// Such characters side by side become one unknown token.
  bool fuseUnknown = false;
  /// What characters have in front in the vocabulary, but the first of a word,
  /// and what the last has behind it.
  std::string continuingPrefix, endSuffix;
  /// A word that is a token is that token, whatever its merges give.
  bool ignoreMerges = false;
  /// The same of words that are line ends alone.
  bool keepLineEnds = false;
};

std::unique_ptr<Model> createBpeModel(BpeTables tables);

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_BPETABLES_H
