//===- GgufTokenizer.h - Tokenizers of GGUF files ---------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_GGUFTOKENIZER_H
#define MARIMBA_RUNTIME_TOKENIZER_GGUFTOKENIZER_H

#include "Pipeline.h"
#include "marimba/GgufVocabulary.h"

namespace marimba::rt::text {

/// What a vocabulary describes, in the parts of a tokenizer.
struct GgufTokenizerParts {
  std::unique_ptr<Model> model;
  /// Null: as `document` says.
  std::unique_ptr<Decoder> decoder;
  /// The other fields of the tokenizer.json that it corresponds to.
  Json document;
};

/// Throws FieldError, which names the key.
GgufTokenizerParts loadGgufTokenizer(const GgufVocabulary &vocabulary);

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_GGUFTOKENIZER_H
