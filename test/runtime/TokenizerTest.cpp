//===- TokenizerTest.cpp --------------------------------------------------===//

#include "TokenizerTestUtils.h"

using namespace marimba::rt;
using Json = nlohmann::json;
using Ids = std::vector<int32_t>;

static const Tokenizer &storiesTokenizer() {
  static std::unique_ptr<Tokenizer> tokenizer =
      parse(readGolden("stories")["tokenizer"]);
  return *tokenizer;
}

TEST(TokenizerTest, StreamHoldsBackUnfinishedCharacters) {
  const Tokenizer &tokenizer = storiesTokenizer();
  Ids ids = tokenizer.encode("\U0001F600", false);
  ASSERT_EQ(ids.size(), 4u);
  StreamDecoder decoder(tokenizer);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(decoder.push(ids[i]), "");
  EXPECT_EQ(decoder.push(ids[3]), "\U0001F600");
  EXPECT_EQ(decoder.push(ids[0]), "");
  EXPECT_EQ(decoder.push(*tokenizer.tokenToId("a")), "\uFFFDa");
  EXPECT_EQ(decoder.push(ids[0]), "");
  EXPECT_EQ(decoder.flush(), "\uFFFD");
  EXPECT_EQ(decoder.push(-1), "");
  EXPECT_EQ(decoder.push(1 << 30), "");
}

TEST(TokenizerTest, ReadsInvalidUtf8AsReplacementCharacters) {
  const Tokenizer &tokenizer = storiesTokenizer();
  // Each maximal invalid part gives one U+FFFD, as in Rust.
  auto expectSame = [&](std::string_view bytes, std::string_view text) {
    EXPECT_EQ(tokenizer.encode(bytes), tokenizer.encode(text));
  };
  expectSame("Hello \xF0\x90\x80World", "Hello \uFFFDWorld");
  expectSame("\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD");
  expectSame("\xE0\x80", "\uFFFD\uFFFD");
  expectSame("a\xC0\xAF", "a\uFFFD\uFFFD");
  expectSame("\xE2\x82", "\uFFFD");
  expectSame("\xFF<|endoftext|>", "\uFFFD<|endoftext|>");
}

TEST(TokenizerTest, LooksUpTokens) {
  const Tokenizer &tokenizer = storiesTokenizer();
  EXPECT_EQ(tokenizer.vocabSize(), 2048);
  EXPECT_EQ(tokenizer.tokenToId("<|endoftext|>"), 2);
  EXPECT_EQ(tokenizer.tokenToId("no such token"), std::nullopt);
  EXPECT_EQ(tokenizer.idToToken(264), "Ġthe");
  EXPECT_EQ(tokenizer.tokenBytes(264), " the");
  EXPECT_EQ(tokenizer.idToToken(2048), std::nullopt);
  EXPECT_EQ(tokenizer.tokenBytes(-1), "");
  EXPECT_EQ(tokenizer.tokenBytes(*tokenizer.tokenToId("Ã")), "\xC3");
  EXPECT_TRUE(tokenizer.isSpecial(2));
  EXPECT_FALSE(tokenizer.isSpecial(264));
}

TEST(TokenizerTest, EncodesHostileWordsFast) {
  const Tokenizer &tokenizer = storiesTokenizer();
  std::string thes;
  while (thes.size() < 1 << 20)
    thes += "the";
  EXPECT_LT(secondsToEncode(tokenizer, std::string(1 << 20, 'a')), 5);
  EXPECT_LT(secondsToEncode(tokenizer, std::string(1 << 20, ' ')), 5);
  EXPECT_LT(secondsToEncode(tokenizer, std::string(1 << 20, '<')), 5);
  EXPECT_LT(secondsToEncode(tokenizer, thes), 5);
}

TEST(TokenizerTest, EncodesHostileSpacesFast) {
  Json document = smallTokenizer();
  for (const char *key : {"lstrip", "rstrip"}) {
    Json token = addedToken(7, " ");
    token[key] = true;
    document["added_tokens"] = Json::array({token});
    EXPECT_LT(secondsToEncode(*parse(document), std::string(1 << 20, ' ')), 5);
  }
}

TEST(TokenizerTest, MergesByRank) {
  auto tokenizer = parse(smallTokenizer());
  EXPECT_EQ(tokenizer->encode("abc"), Ids({6}));
  EXPECT_EQ(tokenizer->encode(" abc"), Ids({3, 6}));
  EXPECT_EQ(tokenizer->encode(" ac"), Ids({5, 2}));
  // Bytes that the vocabulary lacks are lost where there is no unknown token.
  EXPECT_EQ(tokenizer->encode("axb"), Ids({4}));
}

TEST(TokenizerTest, GivesUnknownTokens) {
  Json document = smallTokenizer();
  document["model"]["unk_token"] = "c";
  EXPECT_EQ(parse(document)->encode("axyb"), Ids({0, 2, 2, 1}));
  document["model"]["fuse_unk"] = true;
  EXPECT_EQ(parse(document)->encode("axyb"), Ids({0, 2, 1}));
}

TEST(TokenizerTest, IgnoresMergesForWholeWords) {
  Json document = smallTokenizer();
  document["model"]["vocab"]["cab"] = 7;
  EXPECT_EQ(parse(document)->encode("cab"), Ids({2, 4}));
  document["model"]["ignore_merges"] = true;
  EXPECT_EQ(parse(document)->encode("cab"), Ids({7}));
}

TEST(TokenizerTest, ObeysByteLevelOptions) {
  Json document = smallTokenizer();
  document["pre_tokenizer"]["add_prefix_space"] = true;
  EXPECT_EQ(parse(document)->encode("a a"), Ids({5, 5}));
  EXPECT_EQ(parse(document)->encode(""), Ids());
  document["model"]["vocab"]["aĠ"] = 7;
  document["model"]["merges"] = {"a Ġ"};
  document["pre_tokenizer"]["add_prefix_space"] = false;
  EXPECT_EQ(parse(document)->encode("a a"), Ids({0, 3, 0}));
  document["pre_tokenizer"]["use_regex"] = false;
  EXPECT_EQ(parse(document)->encode("a a"), Ids({7, 0}));
}

TEST(TokenizerTest, ObeysAddedTokenFlags) {
  Json document = smallTokenizer();
  auto encode = [&](Json token, std::string_view text) {
    document["added_tokens"] = Json::array({token});
    return parse(document)->encode(text);
  };
  Json token = addedToken(5, "ab");
  document["model"]["vocab"].erase("ab");
  document["model"]["vocab"].erase("abc");
  document["model"]["merges"] = Json::array();
  EXPECT_EQ(encode(token, "c ab c"), Ids({2, 3, 5, 3, 2}));
  EXPECT_EQ(encode(token, "cabab"), Ids({2, 5, 5}));
  token["single_word"] = true;
  EXPECT_EQ(encode(token, "cab ab"), Ids({2, 0, 1, 3, 5}));
  EXPECT_EQ(encode(token, "ab\u0301"), Ids({0, 1}));
  EXPECT_EQ(encode(token, "(ab)"), Ids({5}));
  token["lstrip"] = true;
  EXPECT_EQ(encode(token, "c  ab c"), Ids({2, 5, 3, 2}));
  token["rstrip"] = true;
  EXPECT_EQ(encode(token, "c\u2003 ab\u00a0\nc"), Ids({2, 5, 2}));
}

TEST(TokenizerTest, TakesSpacesOnlyOnce) {
  Json document = smallTokenizer();
  Json token = addedToken(7, " ");
  token["lstrip"] = token["rstrip"] = true;
  document["added_tokens"] = Json::array({token});
  EXPECT_EQ(parse(document)->encode("a    b "), Ids({0, 7, 1, 7}));
}

TEST(TokenizerTest, FindsTheLongestAddedToken) {
  Json document = smallTokenizer();
  document["added_tokens"] = Json::array(
      {addedToken(7, "<a>"), addedToken(8, "<a><b>"), addedToken(9, "  ")});
  auto tokenizer = parse(document);
  EXPECT_EQ(tokenizer->encode("<a><a><b><a>"), Ids({7, 8, 7}));
  EXPECT_EQ(tokenizer->encode("   a"), Ids({9, 5}));
  EXPECT_EQ(tokenizer->decode(Ids({9, 5})), "   a");
  EXPECT_EQ(tokenizer->vocabSize(), 10);
}

TEST(TokenizerTest, RunsSequences) {
  Json document = smallTokenizer();
  document["added_tokens"] = Json::array({addedToken(7, "<s>")});
  document["normalizer"] = {{"type", "Sequence"},
                            {"normalizers", Json::array()}};
  document["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers", Json::array({document["pre_tokenizer"]})}};
  document["post_processor"] = Json::parse(R"({
    "type": "Sequence",
    "processors": [
      {"type": "ByteLevel"},
      {"type": "TemplateProcessing",
       "single": [{"Sequence": {"id": "A", "type_id": 0}},
                  {"SpecialToken": {"id": "<s>", "type_id": 0}}],
       "special_tokens": {"<s>": {"ids": [7, 7]}}}]})");
  document["decoder"] = {{"type", "Sequence"},
                         {"decoders", Json::array({document["decoder"]})}};
  auto tokenizer = parse(document);
  EXPECT_EQ(tokenizer->encode("abc a"), Ids({6, 5, 7, 7}));
  EXPECT_EQ(tokenizer->encode("abc a", false), Ids({6, 5}));
  EXPECT_EQ(tokenizer->decode(Ids({6, 5, 7})), "abc a<s>");
}

TEST(TokenizerTest, JoinsWithSpacesWithoutDecoder) {
  Json document = smallTokenizer();
  document["decoder"] = nullptr;
  EXPECT_EQ(parse(document)->decode(Ids({6, 5})), "abc Ġa");
}
