//===- TokenizerGoldensTest.cpp -------------------------------------------===//
//
// Four tokenizers of the kinds that checkpoints carry, against what the Hugging
// Face tokenizers library 0.23 gives.
//
//===----------------------------------------------------------------------===//

#include "TokenizerTestUtils.h"

using namespace marimba::rt;
using Json = nlohmann::json;
using Ids = std::vector<int32_t>;

namespace {

class TokenizerGoldensTest : public testing::TestWithParam<const char *> {
protected:
  const Json document = readGolden(GetParam());
  std::unique_ptr<Tokenizer> tokenizer = parse(document["tokenizer"]);
};

} // namespace

TEST_P(TokenizerGoldensTest, AgreesWithHuggingFace) {
  ASSERT_EQ(document["cases"].size(), 47u);
  for (const Json &item : document["cases"]) {
    SCOPED_TRACE(item["text"].dump());
    auto ids = item["ids"].get<Ids>();
    auto text = item["text"].get<std::string>();
    EXPECT_EQ(tokenizer->encode(text), ids);
    EXPECT_EQ(tokenizer->encode(text, false),
              item["ids_no_special"].get<Ids>());
    EXPECT_EQ(tokenizer->decode(ids),
              item["decoded"].get_ref<const std::string &>());
    EXPECT_EQ(tokenizer->decode(ids, false),
              item["decoded_keep_special"].get_ref<const std::string &>());
  }
}

TEST_P(TokenizerGoldensTest, StreamsWhatItDecodes) {
  for (const Json &item : document["cases"]) {
    SCOPED_TRACE(item["text"].dump());
    auto ids = item["ids"].get<Ids>();
    EXPECT_EQ(streamed(*tokenizer, ids, true),
              item["decoded"].get_ref<const std::string &>());
    EXPECT_EQ(streamed(*tokenizer, ids, false),
              item["decoded_keep_special"].get_ref<const std::string &>());
  }
}

/// What has come is the start of what comes: a piece is never taken back, at
/// whichever token a text is cut.
TEST_P(TokenizerGoldensTest, StreamsEveryPrefix) {
  for (const Json &item : document["cases"]) {
    SCOPED_TRACE(item["text"].dump());
    auto ids = item["ids"].get<Ids>();
    StreamDecoder decoder(*tokenizer);
    std::string text;
    for (size_t i = 0; i < ids.size(); ++i) {
      std::string whole =
          tokenizer->decode(std::span<const int32_t>(ids).first(i));
      EXPECT_TRUE(whole.starts_with(text)) << whole << " after " << text;
      text += decoder.push(ids[i]);
      EXPECT_TRUE(isUtf8(text));
    }
  }
}

TEST_P(TokenizerGoldensTest, StreamsIdsInAnyOrder) {
  uint32_t state = 1;
  for (int round = 0; round < 200; ++round) {
    Ids ids;
    for (int i = 0; i < 50; ++i) {
      state = state * 1664525 + 1013904223;
      // Mostly the tokens of single bytes, to get bad UTF-8.
      ids.push_back(int32_t(state >> 8) % (i % 4 ? 260 : 2100));
    }
    std::string text = tokenizer->decode(ids);
    EXPECT_TRUE(isUtf8(text));
    EXPECT_EQ(streamed(*tokenizer, ids, true), text);
  }
}

TEST_P(TokenizerGoldensTest, EncodesHostileTextsFast) {
  std::string random, words, marks;
  uint32_t state = 1;
  while (random.size() < 1 << 20) {
    state = state * 1664525 + 1013904223;
    random += char(state >> 24);
  }
  while (words.size() < 1 << 20)
    words += "the";
  while (marks.size() < 1 << 20)
    marks += "\u0301\u0323";
  EXPECT_LT(secondsToEncode(*tokenizer, random), 5);
  EXPECT_LT(secondsToEncode(*tokenizer, words), 5);
  EXPECT_LT(secondsToEncode(*tokenizer, marks), 5);
  for (char byte : {'a', 'e', ' ', '<', '\n', '1', '\xFF'})
    EXPECT_LT(secondsToEncode(*tokenizer, std::string(1 << 20, byte)), 5);
}

INSTANTIATE_TEST_SUITE_P(Kinds, TokenizerGoldensTest,
                         testing::Values("bytelevel", "sp-prepend",
                                         "split-regex", "stories"),
                         [](const auto &info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });
