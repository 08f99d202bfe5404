//===- GgufTokenizerTest.cpp ----------------------------------------------===//
//
// Vocabularies of GGUF files: what decides between pieces, what stands around
// and between words, and the message for each key that is wrong. Whole
// vocabularies are compared in test/e2e/gguf-tokenizer.test.
//
//===----------------------------------------------------------------------===//

#include "TokenizerTestUtils.h"
#include "marimba/GgufVocabulary.h"

#include <deque>
#include <limits>
#include <set>

using namespace marimba::rt;
using Ids = std::vector<int32_t>;

namespace {

std::unique_ptr<Tokenizer> build(const GgufVocabulary &vocabulary) {
  std::string error;
  auto tokenizer = Tokenizer::build(vocabulary, "m.gguf", error);
  EXPECT_NE(tokenizer, nullptr) << error;
  EXPECT_EQ(error, "");
  return tokenizer;
}

std::string buildError(const GgufVocabulary &vocabulary) {
  std::string error;
  EXPECT_EQ(Tokenizer::build(vocabulary, "m.gguf", error), nullptr);
  return error;
}

/// 0 is unknown, 1 and 2 are the ends; a, b, c, the space, and two pieces.
GgufVocabulary pieces() {
  GgufVocabulary vocabulary;
  vocabulary.model = "llama";
  vocabulary.tokens = {"<unk>", "<s>", "</s>", "a",      "b",     "c",
                       "▁",     "ab",  "bc",   "<0xC3>", "<0xA9>"};
  vocabulary.tokenType = {2, 3, 3, 1, 1, 1, 1, 1, 1, 6, 6};
  vocabulary.scores = {0, 0, 0, -9, -9, -9, -9, -1, -2, 0, 0};
  return vocabulary;
}

/// Characters of texts as GPT-2 writes them, and no merge that matters.
GgufVocabulary bytes(std::string_view pre) {
  GgufVocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = pre;
  vocabulary.tokens = {"a", "b", "1", "Ġ", "11", "Ã", "©", "Ì", "ģ", "e"};
  vocabulary.merges = {"1 1"};
  return vocabulary;
}

} // namespace

TEST(GgufTokenizer, HigherScoresMergeFirst) {
  GgufVocabulary vocabulary = pieces();
  EXPECT_EQ(build(vocabulary)->encode("abc"), (Ids{1, 6, 7, 5}));
  vocabulary.scores[8] = -0.5;
  EXPECT_EQ(build(vocabulary)->encode("abc"), (Ids{1, 6, 3, 8}));
}

TEST(GgufTokenizer, LeftmostOfEqualScoresMergesFirst) {
  // As files have them whose converter did not know the scores.
  for (auto scores : {std::vector<double>(11, -1000.0), {}}) {
    GgufVocabulary vocabulary = pieces();
    vocabulary.scores = scores;
    EXPECT_EQ(build(vocabulary)->encode("abcbc"), (Ids{1, 6, 7, 5, 8}));
    // By priority queue, too.
    std::string text;
    Ids expected = {1, 6};
    for (int i = 0; i < 100; ++i) {
      text += "abc";
      expected.insert(expected.end(), {7, 5});
    }
    EXPECT_EQ(build(vocabulary)->encode(text), expected);
  }
}

TEST(GgufTokenizer, PiecesFallBackToBytes) {
  auto tokenizer = build(pieces());
  EXPECT_EQ(tokenizer->encode("é"), (Ids{1, 6, 9, 10}));
  EXPECT_EQ(tokenizer->encode("xx"), (Ids{1, 6, 0}));
  EXPECT_EQ(tokenizer->decode(Ids{1, 6, 9, 10, 6, 7}), "é ab");
}

TEST(GgufTokenizer, SpaceInFront) {
  GgufVocabulary vocabulary = pieces();
  EXPECT_EQ(build(vocabulary)->encode("</s>a"), (Ids{1, 2, 6, 3}));
  vocabulary.addSpacePrefix = false;
  EXPECT_EQ(build(vocabulary)->encode("a a"), (Ids{1, 3, 6, 3}));
  EXPECT_EQ(build(vocabulary)->decode(Ids{6, 3}), " a");
}

TEST(GgufTokenizer, EndsOfTexts) {
  GgufVocabulary vocabulary = pieces();
  vocabulary.addEosToken = true;
  EXPECT_EQ(build(vocabulary)->encode("a"), (Ids{1, 6, 3, 2}));
  EXPECT_EQ(build(vocabulary)->encode("a", false), (Ids{6, 3}));
  vocabulary.addBosToken = false;
  vocabulary.eosTokenId = 0;
  EXPECT_EQ(build(vocabulary)->encode("a"), (Ids{6, 3, 0}));
  // Without ids of its own, a byte-level vocabulary has no ends.
  vocabulary = bytes("gpt-2");
  vocabulary.addBosToken = true;
  EXPECT_EQ(build(vocabulary)->encode("a"), (Ids{0}));
  vocabulary.bosTokenId = 1;
  EXPECT_EQ(build(vocabulary)->encode("a"), (Ids{1, 0}));
  // Llama 3's name implies it.
  vocabulary.pre = "llama-bpe";
  vocabulary.addBosToken.reset();
  EXPECT_EQ(build(vocabulary)->encode("a"), (Ids{1, 0}));
}

TEST(GgufTokenizer, ControlTokensAreSpecial) {
  GgufVocabulary vocabulary = pieces();
  vocabulary.tokenType[8] = 4;
  auto tokenizer = build(vocabulary);
  EXPECT_TRUE(tokenizer->isSpecial(0));
  EXPECT_TRUE(tokenizer->isSpecial(2));
  EXPECT_FALSE(tokenizer->isSpecial(8));
  EXPECT_FALSE(tokenizer->isSpecial(7));
  // A token that users defined comes before all merges.
  EXPECT_EQ(tokenizer->encode("abc"), (Ids{1, 6, 3, 8}));
  EXPECT_EQ(tokenizer->decode(Ids{1, 8, 2}), "bc");
}

TEST(GgufTokenizer, EmptyAndEqualTokens) {
  GgufVocabulary vocabulary = pieces();
  vocabulary.tokens[9] = vocabulary.tokens[10] = "";
  vocabulary.tokens[0] = "</s>";
  auto tokenizer = build(vocabulary);
  EXPECT_EQ(tokenizer->idToToken(9), "[EMPTY_9]");
  EXPECT_EQ(tokenizer->tokenToId("</s>"), 2);
}

TEST(GgufTokenizer, NamesSplitWords) {
  auto digits = [](std::string_view pre) {
    GgufVocabulary vocabulary = bytes(pre);
    vocabulary.addBosToken = false;
    return build(vocabulary)->encode("a1111 11", false);
  };
  Ids whole = {0, 4, 4, 3, 4}, single = {0, 2, 2, 2, 2, 3, 2, 2};
  for (const char *pre : {"gpt-2", "olmo", "mpt"})
    EXPECT_EQ(digits(pre), whole) << pre;
  for (const char *pre : {"smollm", "starcoder", "qwen2", "qwen35", "tekken"})
    EXPECT_EQ(digits(pre), single) << pre;
  // Three by three.
  for (const char *pre :
       {"", "default", "llama-bpe", "dbrx", "gpt-4o", "falcon"})
    EXPECT_EQ(digits(pre), (Ids{0, 4, 2, 2, 3, 4})) << pre;
}

namespace {

/// A byte as GPT-2 writes it in tokens.
std::string byteText(unsigned char byte) {
  auto isPrinted = [](int b) {
    return (b > 32 && b < 127) || (b > 160 && b != 173);
  };
  int code = byte;
  if (!isPrinted(byte)) {
    code = 256;
    for (int other = 0; other < byte; ++other)
      code += !isPrinted(other);
  }
  if (code < 0x80)
    return {char(code)};
  return {char(0xC0 | (code >> 6)), char(0x80 | (code & 0x3F))};
}

/// The words that `text` is split into: by a vocabulary in which every part of
/// the text is a token, a word is one token.
std::vector<std::string> wordsOf(std::string_view pre, std::string_view text) {
  GgufVocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = pre;
  auto spell = [](std::string_view part) {
    std::string spelled;
    for (char byte : part)
      spelled += byteText(static_cast<unsigned char>(byte));
    return spelled;
  };
  // The vocabulary has views.
  std::deque<std::string> kept;
  auto keep = [&](std::string spelled) -> std::string_view {
    return kept.emplace_back(std::move(spelled));
  };
  std::set<std::string> seen;
  for (size_t size = 1; size <= text.size(); ++size)
    for (size_t at = 0; at + size <= text.size(); ++at) {
      std::string_view part = text.substr(at, size);
      if (!seen.insert(std::string(part)).second)
        continue;
      vocabulary.tokens.push_back(keep(spell(part)));
      for (size_t cut = 1; cut < size; ++cut)
        vocabulary.merges.push_back(
            keep(spell(part.substr(0, cut)) + " " + spell(part.substr(cut))));
    }
  auto tokenizer = build(vocabulary);
  std::vector<std::string> words;
  for (int32_t id : tokenizer->encode(text, false))
    words.push_back(tokenizer->decode(Ids{id}));
  return words;
}

} // namespace

// What the expressions of the models' own tokenizers match, one after the
// other.
TEST(GgufTokenizer, NamesSplitAsTheModelsDo) {
  using Words = std::vector<std::string>;
  for (const char *pre : {"qwen2", "qwen35"})
    EXPECT_EQ(
        wordsOf(pre, "I'LL be\n\n  12 (é)x"),
        (Words{"I", "'LL", " be", "\n\n", " ", " ", "1", "2", " (", "é", ")x"}))
        << pre;
  // A vowel sign, a mark, belongs to its letter in one of them.
  EXPECT_EQ(wordsOf("qwen2", "कि क"), (Words{"क", "ि", " क"}));
  EXPECT_EQ(wordsOf("qwen35", "कि क"), (Words{"कि", " क"}));
  for (const char *pre : {"lfm2", "dbrx"})
    EXPECT_EQ(wordsOf(pre, "She'd 12345 --\n ok"),
              (Words{"She", "'d", " ", "123", "45", " --\n", " ok"}))
        << pre;
  for (const char *pre : {"olmo", "gpt-2"})
    EXPECT_EQ(wordsOf(pre, "She'd 12345  x'D"),
              (Words{"She", "'d", " 12345", " ", " x", "'", "D"}))
        << pre;
  EXPECT_EQ(wordsOf("refact", "a 12 b"), (Words{"a", " ", "1", "2", " b"}));
  for (const char *pre : {"gpt-4o", "minimax-m2"})
    EXPECT_EQ(wordsOf(pre, "HelloWorld's a/\nB中文x"),
              (Words{"Hello", "World's", " a", "/\n", "B中文x"}))
        << pre;
  EXPECT_EQ(wordsOf("kimi-k2", "HelloWorld's a/\nB中文x"),
            (Words{"Hello", "World's", " a", "/\n", "B", "中文", "x"}));
  EXPECT_EQ(wordsOf("kimi-k2", "中文 12345年"),
            (Words{"中文", " ", "123", "45", "年"}));
  EXPECT_EQ(wordsOf("kimi-k2", "don'T  あ漢\t\n"),
            (Words{"don'T", " ", " あ", "漢", "\t\n"}));
}

TEST(GgufTokenizer, SomeCompose) {
  // e and U+0301 are é only in NFC.
  for (const char *pre : {"olmo", "qwen2"})
    EXPECT_EQ(build(bytes(pre))->encode("e\u0301"), (Ids{5, 6})) << pre;
  EXPECT_EQ(build(bytes("gpt-2"))->encode("e\u0301"), (Ids{9, 7, 8}));
}

TEST(GgufTokenizer, EncodesHostileTextsFast) {
  auto expectFast = [](const char *pre, size_t size) {
    auto tokenizer = build(bytes(pre));
    for (char byte : {'a', 'A', ' ', '\n', '1', '+', '\xFF'})
      EXPECT_LT(secondsToEncode(*tokenizer, std::string(size, byte) + "a"), 3)
          << pre << byte;
  };
  for (const char *pre :
       {"default", "falcon", "qwen35", "tekken", "gpt-4o", "kimi-k2"})
    expectFast(pre, 1 << 18);
  // One name of each other set of expressions; up to six, one after the other.
  for (const char *pre :
       {"jais-2", "exaone-moe", "deepseek-llm", "deepseek-coder", "deepseek-v3",
        "afmoe", "tiny_aya", "youtu", "superbpe", "chameleon", "viking",
        "bailingmoe", "sarvam-moe"})
    expectFast(pre, 1 << 16);
}

TEST(GgufTokenizer, NamesWhatIsWrong) {
  auto expectError = [](const GgufVocabulary &vocabulary,
                        const std::string &message) {
    EXPECT_EQ(buildError(vocabulary), "m.gguf: key 'tokenizer.ggml." + message);
  };
  GgufVocabulary vocabulary = pieces();
  vocabulary.model = "bert";
  expectError(vocabulary, "model' is \"bert\", supported: \"llama\", \"gpt2\", "
                          "\"gemma4\", \"t5\", \"rwkv\"");
  vocabulary = pieces();
  vocabulary.tokens.clear();
  expectError(vocabulary, "tokens' has 0 elements, expected 1 to 16777216");
  vocabulary = pieces();
  vocabulary.scores.pop_back();
  expectError(vocabulary,
              "scores' has 10 elements, expected 11, one for each token");
  vocabulary = pieces();
  vocabulary.tokenType.push_back(1);
  expectError(vocabulary,
              "token_type' has 12 elements, expected 11, one for each token");
  vocabulary = pieces();
  vocabulary.tokens[4] = "\xFF";
  expectError(vocabulary, "tokens': element 4 is not UTF-8");
  vocabulary = pieces();
  std::string longToken(1025, 'a');
  vocabulary.tokens[4] = longToken;
  expectError(vocabulary, "tokens': element 4 is 1025 bytes long, expected at "
                          "most 1024");
  vocabulary = pieces();
  vocabulary.scores[4] = std::nan("");
  expectError(vocabulary, "scores': element 4 is not a number");
  vocabulary = bytes("gpt-2");
  vocabulary.merges = {"1 1", "a"};
  expectError(vocabulary, "merges': element 1 is \"a\", expected two tokens "
                          "with a space between");
  vocabulary.merges = {"a b"};
  expectError(vocabulary, "merges': element 0 names the token \"ab\", which is "
                          "not among tokenizer.ggml.tokens");
  for (auto [name, nearest] : {std::pair("gpt-3", "gpt-2"),
                               {"qwen3", "qwen2"},
                               {"qwen3.5", "qwen35"},
                               {"lama-bpe", "llama-bpe"},
                               {"deepseek_v3", "deepseek-v3"}})
    expectError(bytes(name), std::string("pre' is \"") + name +
                                 "\", which is not known; the nearest that is, "
                                 "is \"" +
                                 nearest + "\"");
  vocabulary = pieces();
  vocabulary.model = "rwkv";
  for (std::string_view token : {"a\\", "\\x8", "\\xg0"}) {
    vocabulary.tokens[5] = token;
    EXPECT_NE(buildError(vocabulary)
                  .find("tokens': element 5 is " +
                        nlohmann::json(token).dump() +
                        ", which is cut within an escape"),
              std::string::npos);
  }
  vocabulary = pieces();
  vocabulary.model = "t5";
  vocabulary.precompiledCharsmap = std::string("\x08\0\0\0abc\0", 8);
  expectError(vocabulary, "precompiled_charsmap' has a trie of 8 bytes, "
                          "expected a multiple of 4 below 4, what is left of "
                          "it");
}

// The flags of a unigram vocabulary, and what stands around its texts.
TEST(GgufTokenizer, LikeliestPieces) {
  GgufVocabulary vocabulary = pieces();
  vocabulary.model = "t5";
  vocabulary.unknownTokenId = 0;
  vocabulary.eosTokenId = 2;
  EXPECT_EQ(build(vocabulary)->encode("abc"), (Ids{7, 5, 2}));
  vocabulary.scores[8] = -0.5;
  EXPECT_EQ(build(vocabulary)->encode("abc"), (Ids{3, 8, 2}));
  vocabulary.addEosToken = false;
  vocabulary.addSpacePrefix = true;
  EXPECT_EQ(build(vocabulary)->encode(" a  b "), (Ids{6, 6, 3, 6, 6, 4, 6}));
  vocabulary.removeExtraWhitespaces = true;
  EXPECT_EQ(build(vocabulary)->encode(" a  b "), (Ids{6, 3, 6, 4}));
  EXPECT_EQ(build(vocabulary)->decode(Ids{6, 3, 6, 4}), "a b");
  EXPECT_EQ(build(vocabulary)->encode("  "), Ids());
  vocabulary.addSpacePrefix = false;
  EXPECT_EQ(build(vocabulary)->encode(" a"), (Ids{3}));
  // What is no piece is the unknown one, once for all that stand together.
  EXPECT_EQ(build(vocabulary)->encode("axyzb"), (Ids{3, 0, 4}));
  for (double score : {HUGE_VAL, -HUGE_VAL, 1e300}) {
    vocabulary.scores[3] = score;
    EXPECT_FALSE(build(vocabulary)->encode("abcxab").empty());
  }
}

TEST(GgufTokenizer, LongestBytes) {
  GgufVocabulary vocabulary;
  vocabulary.model = "rwkv";
  vocabulary.tokens = {"<s>",   "a",          "ab",   "abcd", "\\n",
                       "\\xc3", "\\xC3\\xa9", "\\\\", "\\'"};
  vocabulary.tokenType = {3, 1, 1, 1, 1, 1, 1, 1, 1};
  // Nothing is put around.
  vocabulary.bosTokenId = 0;
  vocabulary.addBosToken = true;
  auto tokenizer = build(vocabulary);
  EXPECT_EQ(tokenizer->encode("abcab\n\\'\u00e9"),
            (Ids{2, 2, 4, 7, 8, 6})); // c is no token
  EXPECT_EQ(tokenizer->encode("<s>a"), (Ids{0, 1}));
  EXPECT_EQ(tokenizer->decode(Ids{0, 3, 4, 6, 5}), "abcd\n\u00e9\ufffd");
  EXPECT_EQ(tokenizer->tokenBytes(5), "\xC3");
  vocabulary.unknownTokenId = 0;
  EXPECT_EQ(build(vocabulary)->encode("c"), (Ids{0}));
}

// Gemma 4 has </s> among its words, and its texts start whatever a file says.
TEST(GgufTokenizer, TextsThatMerge) {
  GgufVocabulary vocabulary;
  vocabulary.model = "gemma4";
  vocabulary.tokens = {"<bos>", "▁",      "a",      "▁a",   "\n",
                       "\n\n",  "<0xC3>", "<0xA9>", "</s>", "<|tool_response>"};
  vocabulary.tokenType = {3, 1, 1, 1, 1, 1, 6, 6, 3, 3};
  vocabulary.merges = {"▁ a"};
  vocabulary.bosTokenId = 0;
  vocabulary.addBosToken = false;
  auto tokenizer = build(vocabulary);
  EXPECT_EQ(tokenizer->encode("a a\n\n\u00e9"), (Ids{0, 2, 3, 5, 6, 7}));
  EXPECT_EQ(tokenizer->decode(Ids{0, 2, 3, 5, 6, 7}), "a a\n\n\u00e9");
  EXPECT_FALSE(tokenizer->isSpecial(8));
  EXPECT_TRUE(tokenizer->isSpecial(9));
}

// In a byte-level vocabulary, too, an added token is its text, not bytes.
TEST(GgufTokenizer, AddedTokensAreShownAsWritten) {
  GgufVocabulary vocabulary = bytes("gpt-2");
  vocabulary.tokens.push_back("À");
  vocabulary.tokenType.assign(vocabulary.tokens.size(), 1);
  vocabulary.tokenType.back() = 4;
  auto tokenizer = build(vocabulary);
  EXPECT_EQ(tokenizer->encode("aÀ"), (Ids{0, 10}));
  EXPECT_EQ(tokenizer->decode(Ids{0, 10}), "aÀ");
  EXPECT_EQ(tokenizer->tokenBytes(10), "À");
}

// -1, 4294967295 and whatever else is no token's id.
TEST(GgufTokenizer, TakesTheDefaultForIdsThatAreNone) {
  for (int64_t none :
       {int64_t(-1), int64_t(11), int64_t(UINT32_MAX), INT64_MAX, INT64_MIN}) {
    GgufVocabulary vocabulary = pieces();
    vocabulary.bosTokenId = vocabulary.eosTokenId = vocabulary.unknownTokenId =
        none;
    vocabulary.addEosToken = true;
    EXPECT_EQ(build(vocabulary)->encode("a"), (Ids{1, 6, 3, 2}));
    vocabulary = bytes("gpt-2");
    vocabulary.bosTokenId = vocabulary.eosTokenId = none;
    vocabulary.addBosToken = vocabulary.addEosToken = true;
    EXPECT_EQ(build(vocabulary)->encode("a"), (Ids{0}));
  }
}

TEST(GgufTokenizer, NeedsNoMerges) {
  GgufVocabulary vocabulary = bytes("gpt-2");
  vocabulary.merges.clear();
  EXPECT_EQ(build(vocabulary)->encode("ab"), (Ids{0, 1}));
}

TEST(GgufVocabulary, MeansTheSameAsText) {
  std::string error;
  GgufVocabulary vocabulary = pieces();
  // JSON has none of these.
  vocabulary.scores[7] = -std::numeric_limits<double>::infinity();
  vocabulary.tokenType[3] = -1;
  vocabulary.addEosToken = true;
  vocabulary.eosTokenId = 2;
  std::optional<std::string> text = vocabularyText(vocabulary, error);
  ASSERT_TRUE(text) << error;
  auto read = buildTokenizer(*text, "t.json", error);
  ASSERT_NE(read, nullptr) << error;
  for (std::string_view words : {"abc", "ab \u00e9 d", ""})
    EXPECT_EQ(read->encode(words), build(vocabulary)->encode(words));
  EXPECT_EQ(read->encode("abc"), (Ids{1, 6, 3, 8, 2}));

  vocabulary = pieces();
  vocabulary.model = "t5";
  vocabulary.unknownTokenId = 0;
  vocabulary.eosTokenId = 2;
  vocabulary.removeExtraWhitespaces = true;
  // A map that has no key.
  vocabulary.precompiledCharsmap = std::string("\x04\0\0\0\0\xFF\0\0x\0", 10);
  text = vocabularyText(vocabulary, error);
  ASSERT_TRUE(text) << error;
  EXPECT_NE(text->find("\"04000000"
                       "00ff0000"
                       "7800\""),
            std::string::npos);
  read = buildTokenizer(*text, "t.json", error);
  ASSERT_NE(read, nullptr) << error;
  EXPECT_EQ(read->encode(" ab"), (Ids{7, 2}));

  text = vocabularyText(bytes("gpt-2"), error);
  ASSERT_TRUE(text) << error;
  read = buildTokenizer(*text, "t.json", error);
  ASSERT_NE(read, nullptr) << error;
  EXPECT_EQ(read->encode("11 a"), build(bytes("gpt-2"))->encode("11 a"));
}

TEST(GgufVocabulary, SaysWhatIsWrongWithAText) {
  std::string error;
  GgufVocabulary vocabulary = pieces();
  vocabulary.tokens[3] = "\xff";
  EXPECT_FALSE(vocabularyText(vocabulary, error));
  EXPECT_EQ(error, "a token is not UTF-8");
  std::string text = *vocabularyText(pieces(), error);
  EXPECT_EQ(buildTokenizer(text.substr(0, 99), "t.json", error), nullptr);
  EXPECT_EQ(error.find("t.json: "), 0u) << error;
  for (const char *map : {"0", "0g"}) {
    std::string other = text;
    size_t at = other.find("charsmap\":\"") + 11;
    other.insert(at, map);
    EXPECT_EQ(buildTokenizer(other, "t.json", error), nullptr);
    EXPECT_EQ(error.find("t.json: precompiled_charsmap "), 0u) << error;
  }
  size_t at = text.find("\"scores\":[");
  text.replace(at, 10, "\"scores\":[null,");
  EXPECT_EQ(buildTokenizer(text, "t.json", error), nullptr);
  EXPECT_EQ(error, "t.json: scores[0] is null, expected a number");
}
