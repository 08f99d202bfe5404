//===- SentencePiece.h - Tokenizers by libsentencepiece ---------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_SENTENCEPIECE_H
#define MARIMBA_RUNTIME_TOKENIZER_SENTENCEPIECE_H

#include "Pipeline.h"

namespace marimba::rt::text {

/// What a tokenizer.model holds, in the parts of a tokenizer.
struct SentencePieceParts {
  std::unique_ptr<Model> model;
  std::unique_ptr<Decoder> decoder;
  /// The other fields of the tokenizer.json that it corresponds to: its control
  /// tokens.
  Json document;
  /// Of those, what the model says to start and end a text with.
  std::optional<std::string> startToken, endToken;
};

/// Reads the contents of a tokenizer.model; throws FieldError.
SentencePieceParts loadSentencePiece(std::string_view contents);

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_SENTENCEPIECE_H
