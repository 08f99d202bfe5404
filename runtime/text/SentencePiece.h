//===- SentencePiece.h - Tokenizers by libsentencepiece ---------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TEXT_SENTENCEPIECE_H
#define MARIMBA_RUNTIME_TEXT_SENTENCEPIECE_H

#include "Pipeline.h"

namespace marimba::rt::text {

/// What a tokenizer.model holds, in the parts of a tokenizer.
struct SentencePieceParts {
  std::unique_ptr<Model> model;
  std::unique_ptr<Decoder> decoder;
  /// The other fields of the tokenizer.json that it corresponds to: its control
  /// tokens, and where to add them.
  Json document;
};

/// Which control tokens stand around a text.
struct SentencePieceOptions {
  /// Where the model has a token for it.
  bool addsStart = true;
  bool addsEnd = false;
};

/// Reads `add_bos_token` and `add_eos_token` of a tokenizer_config.json.
SentencePieceOptions readSentencePieceOptions(const Field &config);

/// Reads the contents of a tokenizer.model; throws FieldError.
SentencePieceParts loadSentencePiece(std::string_view contents,
                                     const SentencePieceOptions &options);

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TEXT_SENTENCEPIECE_H
