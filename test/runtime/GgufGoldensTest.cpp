//===- GgufGoldensTest.cpp ------------------------------------------------===//
//
// What llama.cpp v0.5.0 gives for hard texts: the words of every name of
// tokenizer.ggml.pre, and the ids of small vocabularies of every kind. Where it
// differs from the models' own expressions, or from SentencePiece, these count:
//   - it knows capitals and small letters of ASCII alone, or none (tekken,
//     gpt-4o and their like, tiny_aya, youtu, kimi-k2), and marks as no
//     letters;
//   - it puts what stands before a number with it (afmoe), and cuts numbers
//   that
//     letters follow (tiny_aya), or no numbers but those of ASCII (superbpe);
//   - spaces beyond ASCII are no Asian characters (deepseek-llm, -coder);
//   - t5: it finds unused tokens, and puts no space before a text of spaces.
//
//===----------------------------------------------------------------------===//

#include "TokenizerTestUtils.h"
#include "marimba/GgufVocabulary.h"
#include "runtime/tokenizer/DigitGroups.h"
#include "runtime/tokenizer/GgufExpressions.h"
#include "runtime/tokenizer/GgufPreTokenizers.h"
#include "runtime/tokenizer/Pipeline.h"

#include <map>
#include <random>
#include <set>

using namespace marimba::rt;
using namespace marimba::rt::text;
using Ids = std::vector<int32_t>;

static Json readInput(const std::string &name) {
  std::ifstream file(MARIMBA_TEST_INPUTS "/" + name);
  return Json::parse(file);
}

/// The bytes of the words that `text` is split into, as numbers.
static std::string wordLengths(const std::string &pre,
                               const std::string &text) {
  GgufPreTokenizer parts = createGgufPreTokenizer(pre);
  auto splitter = createPreTokenizer(Field(parts.preTokenizer));
  Json byteLevel = {{"type", "ByteLevel"}};
  auto decoder = createDecoder(Field(byteLevel));
  Json markSpaces = {{"type", "Replace"},
                     {"pattern", {{"String", " "}}},
                     {"content", "\u2581"}};
  std::string given = parts.marksSpaces
                          ? createNormalizer(Field(markSpaces))->normalize(text)
                          : text;
  std::string lengths;
  splitter->split({given, true}, [&](const Word &word) {
    size_t length =
        parts.isRaw ? word.text.size() : decoder->tokenBytes(word.text).size();
    lengths += (lengths.empty() ? "" : " ") + std::to_string(length);
  });
  return lengths;
}

TEST(GgufGoldens, NamesSplitAsLlamaCppDoes) {
  const Json golden = readInput("gguf-splits.json");
  std::map<std::string, std::vector<std::string>> expected;
  for (const Json &group : golden["same"])
    for (const Json &name : group["names"])
      expected[name] = group["words"].get<std::vector<std::string>>();
  for (const Json &group : golden["own"])
    for (const Json &name : group["names"])
      for (const auto &[index, words] : group["words"].items())
        expected.at(name).at(std::stoul(index)) = words;
  std::vector<std::string_view> names = ggufPreTokenizerNames();
  EXPECT_GE(names.size(), 88u);
  EXPECT_EQ(expected.size(), names.size());
  for (std::string_view name : names)
    for (size_t i = 0; i < golden["texts"].size(); ++i) {
      std::string text = golden["texts"][i];
      EXPECT_EQ(wordLengths(std::string(name), text),
                expected[std::string(name)].at(i))
          << name << " on " << text;
    }
}

TEST(GgufGoldens, VocabulariesEncodeAsInLlamaCpp) {
  const Json golden = readInput("gguf-vocabularies.json");
  std::set<std::string> models;
  for (const auto &[name, item] : golden.items()) {
    models.insert(item["vocabulary"]["model"]);
    std::string error;
    auto tokenizer = buildTokenizer(item["vocabulary"].dump(), "v.gguf", error);
    ASSERT_NE(tokenizer, nullptr) << error;
    ASSERT_GE(item["cases"].size(), 20u);
    for (const Json &entry : item["cases"]) {
      SCOPED_TRACE(name + " on " + entry[0].dump());
      Ids ids = tokenizer->encode(entry[0].get<std::string>());
      auto decoded = entry[2].get<std::string>();
      EXPECT_EQ(ids, entry[1].get<Ids>());
      EXPECT_EQ(tokenizer->decode(ids), decoded);
      EXPECT_EQ(streamed(*tokenizer, ids), decoded);
    }
  }
  EXPECT_EQ(models,
            (std::set<std::string>{"gemma4", "gpt2", "llama", "rwkv", "t5"}));
}

// A broken map is an error, or replaces other things.
TEST(GgufGoldens, BrokenCharsMapsDoNotCrash) {
  Json vocabulary = readInput("gguf-vocabularies.json")["t5"]["vocabulary"];
  const std::string whole = vocabulary["precompiled_charsmap"];
  auto encode = [&](const std::string &map) {
    vocabulary["precompiled_charsmap"] = map;
    std::string error;
    auto tokenizer = buildTokenizer(vocabulary.dump(), "v.gguf", error);
    if (!tokenizer) {
      EXPECT_TRUE(error.starts_with(
          "v.gguf: key 'tokenizer.ggml.precompiled_charsmap' "))
          << error;
      return false;
    }
    Ids ids = tokenizer->encode("\ufb01\t\u3000e\u0301\u2460\u200b x \uff21");
    EXPECT_FALSE(ids.empty());
    EXPECT_TRUE(isUtf8(tokenizer->decode(ids)));
    return true;
  };
  EXPECT_TRUE(encode(whole));
  for (size_t bytes : {1, 3, 4, 5, 100, 1027, 1028})
    EXPECT_FALSE(encode(whole.substr(0, 2 * bytes))) << bytes;
  std::mt19937 random(20);
  int loaded = 0;
  for (int i = 0; i < 300; ++i) {
    std::string map = whole;
    for (int change = 0; change < 8; ++change)
      map[random() % map.size()] = "0123456789abcdef"[random() % 16];
    loaded += encode(map);
  }
  EXPECT_GT(loaded, 100);
}

// What stands in for these expressions finds what they find.
TEST(GgufGoldens, DigitGroupsAreThoseOfTheExpressions) {
  const std::string_view parts[] = {
      "1", "2",      "34", "567",    "a",      " ",  "_",      "-",
      "é", "\u0301", "\n", "\u0663", "\u00b2", "漢", "\u2167", "\u200d"};
  using Matches = std::vector<std::pair<size_t, size_t>>;
  std::mt19937 random(3);
  for (std::string_view expression :
       {expressions::thousands, expressions::thousandsOfWords,
        expressions::thousandsOfNumbers}) {
    auto groups = DigitGroups::find(expression);
    ASSERT_TRUE(groups);
    Regex regex(expression);
    for (int i = 0; i < 2000; ++i) {
      std::string text;
      for (int part = 0; part < 12; ++part)
        text += parts[random() % std::size(parts)];
      Matches found, expected;
      groups->forEachMatch(text, [&](size_t start, size_t end) {
        found.emplace_back(start, end);
      });
      regex.forEachMatch(text, [&](size_t start, size_t end) {
        expected.emplace_back(start, end);
      });
      ASSERT_EQ(found, expected) << expression << " on " << text;
    }
  }
  EXPECT_FALSE(DigitGroups::find(R"(\d{1,3})"));
}
