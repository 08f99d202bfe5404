//===- GgufVocabulary.h - The tokenizer of a GGUF file ----------*- C++ -*-===//
//
// What the keys `tokenizer.ggml.*` of a GGUF file say. Reading the file is not
// the runtime's: whoever has it fills this in, for Tokenizer::build().
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_GGUFVOCABULARY_H
#define MARIMBA_GGUFVOCABULARY_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

/// Each member has the name of its key behind `tokenizer.ggml.`, and stands for
/// an absent key as it is made here. The views are into memory of the caller.
struct GgufVocabulary {
  /// "llama": pieces of SentencePiece with scores, and bytes for characters
  /// that are none. "gpt2": byte-level BPE with merges.
  std::string_view model;
  /// Of "gpt2": how texts are split into words, by the name that llama.cpp
  /// gives it.
  std::string_view pre;
  /// By id.
  std::vector<std::string_view> tokens;
  /// As many as tokens, or none: 1 normal, 2 unknown, 3 control, 4 user
  /// defined, 5 unused, 6 byte.
  std::vector<int32_t> tokenType;
  /// As many as tokens, or none; of "llama".
  std::vector<double> scores;
  /// Two tokens with a space between, the first to merge first; of "gpt2".
  std::vector<std::string_view> merges;
  std::optional<int64_t> bosTokenId, eosTokenId, unknownTokenId;
  std::optional<bool> addBosToken, addEosToken, addSpacePrefix;
};

} // namespace marimba::rt

#endif // MARIMBA_GGUFVOCABULARY_H
