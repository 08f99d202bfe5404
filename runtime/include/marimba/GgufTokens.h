//===- GgufTokens.h - A tokenizer.json as GGUF's keys -----------*- C++ -*-===//
//
// What the keys `tokenizer.ggml.*` say of a tokenizer.json: the inverse of
// GgufVocabulary.h. Writing them into a file is not the runtime's.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_GGUFTOKENS_H
#define MARIMBA_GGUFTOKENS_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

/// The members of GgufVocabulary that a tokenizer.json decides.
struct GgufTokens {
  std::string model, pre; // pre: of "gpt2"
  std::vector<std::string> tokens, merges;
  std::vector<int64_t> tokenType;
  std::vector<float> scores; // of "llama"
  std::optional<int64_t> unknownTokenId;
  std::optional<bool> addSpacePrefix; // of "llama"
};

/// Those of the tokenizer.json `json`, for a model of `vocabSize` tokens: what
/// the file has no token for is named and unused. Nothing, with `error` saying
/// what GGUF has no key for, where it is no BPE that llama.cpp has.
std::optional<GgufTokens> readGgufTokens(std::string_view json,
                                         int64_t vocabSize, std::string &error);

} // namespace marimba::rt

#endif // MARIMBA_GGUFTOKENS_H
