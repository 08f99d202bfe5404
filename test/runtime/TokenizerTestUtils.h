//===- TokenizerTestUtils.h -------------------------------------*- C++ -*-===//

#ifndef MARIMBA_TEST_RUNTIME_TOKENIZERTESTUTILS_H
#define MARIMBA_TEST_RUNTIME_TOKENIZERTESTUTILS_H

#include "marimba/Tokenizer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <unicode/utf8.h>

namespace marimba::rt {

/// A small byte-level tokenizer: letters, the space, and a few merges.
inline nlohmann::json smallTokenizer() {
  return nlohmann::json::parse(R"({
    "added_tokens": [],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
    "post_processor": null,
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE",
              "vocab": {"a": 0, "b": 1, "c": 2, "Ġ": 3, "ab": 4, "Ġa": 5,
                        "abc": 6},
              "merges": ["a b", ["Ġ", "a"], "ab c"]}})");
}

inline std::unique_ptr<Tokenizer> parse(const nlohmann::json &document) {
  std::string error;
  auto tokenizer = Tokenizer::parse(document.dump(), "t.json", error);
  EXPECT_NE(tokenizer, nullptr) << error;
  EXPECT_EQ(error, "");
  return tokenizer;
}

/// The error of a document that must not load.
inline std::string errorOf(std::string_view text) {
  std::string error;
  EXPECT_EQ(Tokenizer::parse(text, "t.json", error), nullptr) << text;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  return error;
}

/// A document of Inputs: a tokenizer, and 47 texts with what the Hugging Face
/// tokenizers library gives for them.
inline nlohmann::json readGolden(const std::string &name) {
  std::ifstream file(MARIMBA_TEST_INPUTS "/tokenizer-" + name + ".json");
  return nlohmann::json::parse(file);
}

inline nlohmann::json addedToken(int32_t id, std::string content) {
  return {{"id", id}, {"content", content}, {"special", false}};
}

inline bool isUtf8(const std::string &text) {
  for (size_t i = 0; i < text.size();) {
    UChar32 character;
    U8_NEXT(text.data(), i, text.size(), character);
    if (character < 0)
      return false;
  }
  return true;
}

/// The pieces of `ids`, each of which must be UTF-8, in one text.
inline std::string streamed(const Tokenizer &tokenizer,
                            const std::vector<int32_t> &ids, bool skip = true) {
  StreamDecoder decoder(tokenizer, skip);
  std::string text;
  for (int32_t id : ids) {
    std::string piece = decoder.push(id);
    EXPECT_TRUE(isUtf8(piece));
    text += piece;
  }
  std::string rest = decoder.flush();
  EXPECT_TRUE(isUtf8(rest));
  EXPECT_EQ(decoder.flush(), "");
  return text + rest;
}

/// Of an ordinary build: with a sanitizer, a tenth of what it takes.
inline double secondsToEncode(const Tokenizer &tokenizer,
                              const std::string &text) {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  constexpr double slower = 10;
#else
  constexpr double slower = 1;
#endif
  auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(tokenizer.encode(text).empty());
  std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  return time.count() / slower;
}

} // namespace marimba::rt

#endif // MARIMBA_TEST_RUNTIME_TOKENIZERTESTUTILS_H
