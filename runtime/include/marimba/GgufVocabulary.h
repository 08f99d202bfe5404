//===- GgufVocabulary.h - The tokenizer of a GGUF file ----------*- C++ -*-===//
//
// What the keys `tokenizer.ggml.*` of a GGUF file say. Reading the file is not
// the runtime's: whoever has it fills this in, for Tokenizer::build().
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_GGUFVOCABULARY_H
#define MARIMBA_GGUFVOCABULARY_H

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

class Tokenizer;

/// Each member has the name of its key behind `tokenizer.ggml.`, and stands for
/// an absent key as it is made here. The views are into memory of the caller.
struct GgufVocabulary {
  /// "llama": pieces of SentencePiece with scores, and bytes for characters
  /// that are none. "gpt2": byte-level BPE with merges. "gemma4": the same over
  /// texts, with U+2581 for spaces. "t5": pieces of SentencePiece of which the
  /// likeliest are taken. "rwkv": byte strings, escaped as Python does, of
  /// which the longest is taken.
  std::string_view model;
  /// Of "gpt2": how texts are split into words, by the name that llama.cpp
  /// gives it.
  std::string_view pre;
  /// By id.
  std::vector<std::string_view> tokens;
  /// As many as tokens, or none: 1 normal, 2 unknown, 3 control, 4 user
  /// defined, 5 unused, 6 byte.
  std::vector<int32_t> tokenType;
  /// As many as tokens, or none; of "llama" and "t5".
  std::vector<double> scores;
  /// Two tokens with a space between, the first to merge first; of "gpt2" and
  /// "gemma4".
  std::vector<std::string_view> merges;
  std::optional<int64_t> bosTokenId, eosTokenId, unknownTokenId;
  std::optional<bool> addBosToken, addEosToken, addSpacePrefix;
  /// Of "t5": spaces at the ends and those side by side go.
  std::optional<bool> removeExtraWhitespaces;
  /// Of "t5", as SentencePiece's models have it: what is written otherwise.
  std::string precompiledCharsmap;
};

/// All of it as JSON, for a reader without the GGUF file. Nothing, and `error`,
/// where a token is not UTF-8.
std::optional<std::string> vocabularyText(const GgufVocabulary &vocabulary,
                                          std::string &error);
/// Tokenizer::build() of such a text, every member of which is checked; `name`
/// stands for its file in errors. On failure returns null and sets `error`.
std::unique_ptr<Tokenizer> buildTokenizer(std::string_view text,
                                          std::string_view name,
                                          std::string &error);

} // namespace marimba::rt

#endif // MARIMBA_GGUFVOCABULARY_H
