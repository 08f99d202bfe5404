//===- TokenizerFiles.h - Other files than tokenizer.json -------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_TOKENIZER_TOKENIZERFILES_H
#define MARIMBA_RUNTIME_TOKENIZER_TOKENIZERFILES_H

#include "TokenizerConfig.h"

namespace marimba::rt::text {

/// The tokenizer.json that vocab.json and merges.txt stand for, with the stages
/// of the class that `config` names. Throws FieldError.
Json createByteLevelDocument(std::string_view vocab, std::string_view merges,
                             const TokenizerConfig &config);

/// What a vocabulary of bytes by rank holds, in the parts of a tokenizer.
struct RankedParts {
  std::unique_ptr<Model> model;
  /// The other fields of the tokenizer.json that it corresponds to.
  Json document;
};

/// Reads a tekken.json of Mistral AI. Throws FieldError.
RankedParts loadTekken(const Field &document);

/// Reads a tiktoken.model of Moonshot AI, whose class `config` names. Throws
/// FieldError.
RankedParts loadTiktoken(std::string_view contents,
                         const TokenizerConfig &config);

/// The bytes that `text` stands for; nothing where it is not base64.
std::optional<std::string> decodeBase64(std::string_view text);

} // namespace marimba::rt::text

#endif // MARIMBA_RUNTIME_TOKENIZER_TOKENIZERFILES_H
