//===- TokenizerTestUtils.h -------------------------------------*- C++ -*-===//

#ifndef MARIMBA_TEST_RUNTIME_TOKENIZERTESTUTILS_H
#define MARIMBA_TEST_RUNTIME_TOKENIZERTESTUTILS_H

#include "marimba/Tokenizer.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

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

} // namespace marimba::rt

#endif // MARIMBA_TEST_RUNTIME_TOKENIZERTESTUTILS_H
