//===- TokenizerRegexTest.cpp ---------------------------------------------===//
//
// Expressions of tokenizer.json against what the Hugging Face tokenizers
// library 0.23.2 does with them.
//
//===----------------------------------------------------------------------===//

#include "TokenizerTestUtils.h"

#include <atomic>
#include <thread>

using namespace marimba::rt;
using Json = nlohmann::json;
using Ids = std::vector<int32_t>;

/// A byte-level tokenizer without merges that writes a space in front of each
/// piece, unless it starts with one.
static Json showingTokenizer(const std::string &regex,
                             const std::string &behavior = "Isolated",
                             bool inverts = false) {
  Json document = Json::parse(R"({
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "Split", "pattern": {}},
      {"type": "ByteLevel", "add_prefix_space": true, "use_regex": false}]},
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {}, "merges": []}})");
  Json &split = document["pre_tokenizer"]["pretokenizers"][0];
  split["pattern"]["Regex"] = regex;
  split["behavior"] = behavior;
  split["invert"] = inverts;
  const Json vocab = readGolden("bytelevel")["tokenizer"]["model"]["vocab"];
  int32_t id = 0;
  for (const auto &item : vocab.items()) {
    // The characters that stand for bytes: of one or two bytes themselves.
    const std::string &token = item.key();
    if (token.size() == 1 || (token.size() == 2 && (token[0] & 0xE0) == 0xC0))
      document["model"]["vocab"][token] = id++;
  }
  return document;
}

static std::string shown(const Json &document, const std::string &text) {
  auto tokenizer = parse(document);
  std::string error;
  std::string result = tokenizer->decode(tokenizer->encode(text, true, &error));
  return error.empty() ? result : error;
}

TEST(TokenizerRegexTest, SplitsAsHuggingFaceDoes) {
  std::ifstream file(MARIMBA_TEST_INPUTS "/regex-splits.json");
  Json golden = Json::parse(file);
  ASSERT_GE(golden["cases"].size(), 200u);
  for (const Json &item : golden["cases"]) {
    auto tokenizer = parse(showingTokenizer(item[0], item[1], item[2]));
    for (size_t i = 0; i < golden["texts"].size(); ++i) {
      SCOPED_TRACE(item[0].dump() + " " + item[1].dump() + " on " +
                   golden["texts"][i].dump());
      auto text = golden["texts"][i].get<std::string>();
      EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)),
                item[3][i].get_ref<const std::string &>());
    }
  }
}

TEST(TokenizerRegexTest, ReplacesEmptyMatchesToo) {
  Json document = showingTokenizer("$^");
  document["normalizer"] = {{"type", "Replace"},
                            {"pattern", {{"Regex", "(?=[A-Z])|_+"}}},
                            {"content", "-"}};
  EXPECT_EQ(shown(document, "fooBar__Baz"), " foo-Bar-Baz");
}

TEST(TokenizerRegexTest, RefusesWhatOnigurumaDoes) {
  const std::pair<std::string, const char *> cases[] = {
      {"(", "end pattern with unmatched parenthesis"},
      {"[a", "premature end of char-class"},
      {"*", "target of repeat operator is not specified"},
      {R"(\p{Foo})", "invalid character property name {Foo}"},
      {R"(\k<x>)", "undefined name <x> reference"},
      {R"(\1)", "invalid backref number/name"},
      {"[z-a]", "empty range in char class"},
      {std::string(251, '(') + std::string(251, ')'),
       "nested more than 250 deep"},
      {std::string(1 << 20, '['), "nested more than 250 deep"},
  };
  for (const auto &[regex, why] : cases) {
    std::string error = errorOf(showingTokenizer(regex).dump());
    EXPECT_TRUE(error.starts_with(
        "t.json: pre_tokenizer.pretokenizers[0].pattern.Regex is \""))
        << error;
    EXPECT_TRUE(error.ends_with(
        std::string(", which is not an expression of Oniguruma: ") + why))
        << error;
  }
}

/// Not a hang, but an error that names the file, and no ids.
TEST(TokenizerRegexTest, GivesUpOnExplosions) {
  auto tokenizer = parse(showingTokenizer("(?:a|aa)+$"));
  std::string error;
  EXPECT_EQ(tokenizer->encode("aaaa", true, &error).size(), 5u);
  EXPECT_EQ(error, "");
  EXPECT_EQ(tokenizer->encode(std::string(60, 'a') + "b", true, &error), Ids());
  EXPECT_EQ(error, R"(t.json: the expression "(?:a|aa)+$" cannot be searched )"
                   "for in this text: retry-limit-in-match over");
  EXPECT_EQ(tokenizer->encode(std::string(60, 'a') + "b"), Ids());
}

/// Runs of more characters than one match may keep places for.
TEST(TokenizerRegexTest, TakesLongRunsInLinearTime) {
  for (auto [regex, byte] : {std::pair(R"(\s+(?!\S)|\s+|\S+)", ' '),
                             std::pair(R"((?:a|b| )+)", 'a')}) {
    auto tokenizer = parse(showingTokenizer(regex));
    EXPECT_LT(secondsToEncode(*tokenizer, std::string(5 << 20, byte)), 20);
  }
}

TEST(TokenizerRegexTest, MatchesInSeveralThreadsAtOnce) {
  auto tokenizer = parse(showingTokenizer(R"((?<r>\((?:[^()]|\g<r>)*\))|\w+)"));
  const std::string text = "f(a(b)c) g(x) ((y)) tail";
  const Ids expected = tokenizer->encode(text);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 500; ++round)
        wrong += tokenizer->encode(text) != expected;
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}
