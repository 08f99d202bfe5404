//===- TokenizerStagesTest.cpp --------------------------------------------===//
//
// The stages one by one. A character of the text is a token, so that the ids of
// a word show where it ends: merges join the characters of a word only.
//
//===----------------------------------------------------------------------===//

#include "TokenizerTestUtils.h"

using namespace marimba::rt;
using Json = nlohmann::json;
using Ids = std::vector<int32_t>;
using Strings = std::vector<std::string>;

/// A tokenizer whose tokens are the words that `preTokenizer` makes, one for
/// each of `words`.
static Json wordTokenizer(const char *preTokenizer, const Strings &words) {
  Json vocab = Json::array({Json::array({"?", 0})});
  for (const std::string &word : words)
    vocab.push_back(Json::array({word, -1}));
  return {{"pre_tokenizer", Json::parse(preTokenizer)},
          {"model", {{"type", "Unigram"}, {"vocab", vocab}, {"unk_id", 0}}}};
}

/// Expects `preTokenizer` to cut `text` into `words`: a Unigram model finds the
/// whole word where it is one, and an unknown token where it is not.
static void expectWords(const char *preTokenizer, const std::string &text,
                        const Strings &words) {
  SCOPED_TRACE(preTokenizer);
  auto tokenizer = parse(wordTokenizer(preTokenizer, words));
  Strings found;
  for (int32_t id : tokenizer->encode(text))
    found.push_back(tokenizer->idToToken(id).value());
  EXPECT_EQ(found, words);
}

static std::string split(const char *pattern, const char *behavior,
                         bool invert = false) {
  Json stage = {{"type", "Split"},
                {"pattern", Json::parse(pattern)},
                {"behavior", behavior},
                {"invert", invert}};
  return stage.dump();
}

/// Every kind of stage that is a file of another family's, against the Hugging
/// Face tokenizers library 0.23.2.
TEST(TokenizerStagesTest, AgreeWithHuggingFace) {
  Json golden = readGolden("stages");
  ASSERT_GE(golden["cases"].size(), 45u);
  for (const Json &item : golden["cases"]) {
    Json document = item["tokenizer"];
    if (!document.contains("model"))
      document["model"] = golden["model"];
    auto tokenizer = parse(document);
    for (size_t i = 0; i < golden["texts"].size(); ++i) {
      SCOPED_TRACE(item["tokenizer"].dump().substr(0, 300) + " on " +
                   golden["texts"][i].dump());
      auto ids = item["results"][i][0].get<Ids>();
      EXPECT_EQ(tokenizer->encode(golden["texts"][i].get<std::string>()), ids);
      EXPECT_EQ(tokenizer->decode(ids),
                item["results"][i][1].get_ref<const std::string &>());
      EXPECT_EQ(streamed(*tokenizer, ids), tokenizer->decode(ids));
    }
  }
}

TEST(TokenizerStagesTest, SplitsInEveryWay) {
  auto expect = [](const char *behavior, const Strings &words) {
    for (const char *pattern : {R"({"String": "-"})", R"({"Regex": "-"})"})
      expectWords(split(pattern, behavior).c_str(), "-ab--c-", words);
  };
  expect("Removed", {"ab", "c"});
  expect("Isolated", {"-", "ab", "-", "-", "c", "-"});
  expect("MergedWithPrevious", {"-", "ab-", "-", "c-"});
  expect("MergedWithNext", {"-ab", "-", "-c", "-"});
  expect("Contiguous", {"-", "ab", "--", "c", "-"});
  expectWords(split(R"({"Regex": "[a-z]+"})", "Removed", true).c_str(),
              "-ab--c-", {"ab", "c"});
  // Empty matches and characters of two UTF-16 units.
  expectWords(split(R"({"Regex": "x*"})", "Isolated").c_str(),
              "\U0001F600x\u00E9xx", {"\U0001F600", "x", "\u00E9", "xx"});
}

TEST(TokenizerStagesTest, SplitsAtClasses) {
  expectWords(R"({"type": "Digits", "individual_digits": true})", "a12\u0664b",
              {"a", "1", "2", "\u0664", "b"});
  expectWords(R"({"type": "Digits"})", "a12\u0664b", {"a", "12\u0664", "b"});
  expectWords(R"({"type": "Punctuation", "behavior": "Contiguous"})",
              "a.$\u3002b", {"a", ".$\u3002", "b"});
  expectWords(R"({"type": "Punctuation"})", "a.$b", {"a", ".", "$", "b"});
  expectWords(R"({"type": "WhitespaceSplit"})", " a\u2003\nb ", {"a", "b"});
}

TEST(TokenizerStagesTest, MarksSpaces) {
  expectWords(R"({"type": "Metaspace"})", "a  b",
              {"\u2581a", "\u2581", "\u2581b"});
  expectWords(R"({"type": "Metaspace"})", " a", {"\u2581a"});
  expectWords(R"({"type": "Metaspace", "prepend_scheme": "never"})", "a b",
              {"a", "\u2581b"});
  expectWords(R"({"type": "Metaspace", "add_prefix_space": false})", "a b",
              {"a", "\u2581b"});
  expectWords(R"({"type": "Metaspace", "split": false})", "a b",
              {"\u2581a\u2581b"});
  expectWords(R"({"type": "Metaspace", "replacement": "_"})", "a b",
              {"_a", "_b"});
}

TEST(TokenizerStagesTest, PrependsToTheFirstWordOnly) {
  Json document =
      wordTokenizer(R"({"type": "Metaspace", "prepend_scheme": "first"})",
                    {"\u2581a", "a", "<x>"});
  document["added_tokens"] = Json::array({addedToken(3, "<x>")});
  EXPECT_EQ(parse(document)->encode("a<x>a<x>"), Ids({1, 3, 2, 3}));
  EXPECT_EQ(parse(document)->encode("<x>a"), Ids({3, 2}));
  document["pre_tokenizer"]["prepend_scheme"] = "always";
  EXPECT_EQ(parse(document)->encode("a<x>a"), Ids({1, 3, 1}));
}

/// The text that a normalizer gives, as the tokens of its characters.
static std::string normalized(const Json &normalizer, const std::string &text) {
  Json document = {{"normalizer", normalizer},
                   {"model",
                    {{"type", "BPE"},
                     {"vocab", Json::object()},
                     {"merges", Json::array()},
                     {"byte_fallback", true}}},
                   {"decoder", {{"type", "ByteFallback"}}}};
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof(name), "<0x%02X>", byte);
    document["model"]["vocab"][name] = byte;
  }
  auto tokenizer = parse(document);
  return tokenizer->decode(tokenizer->encode(text));
}

TEST(TokenizerStagesTest, NormalizesToUnicodeForms) {
  const std::string text = "e\u0323\u0301 \uFB01 \u1100\u1161 e\u0301\u0323";
  EXPECT_EQ(normalized({{"type", "NFC"}}, text),
            "\u1EB9\u0301 \uFB01 \uAC00 \u1EB9\u0301");
  EXPECT_EQ(normalized({{"type", "NFD"}}, "\u00E9\uAC00"),
            "e\u0301\u1100\u1161");
  EXPECT_EQ(normalized({{"type", "NFKC"}}, text),
            "\u1EB9\u0301 fi \uAC00 \u1EB9\u0301");
  EXPECT_EQ(normalized({{"type", "NFKD"}}, "\uFB01\u00E9"), "fie\u0301");
}

TEST(TokenizerStagesTest, NormalizesLongRunsOfMarksFast) {
  // U+0F73 becomes two marks; of the others the lower one goes first.
  std::string high, low, mixed;
  for (int i = 0; i < 100; ++i) {
    high += "\u0308";
    low += "\u0323";
    mixed += "\u0308\u0323";
  }
  EXPECT_EQ(normalized({{"type", "NFD"}}, "a" + mixed + "b"),
            "a" + low + high + "b");
  EXPECT_EQ(normalized({{"type", "NFC"}}, "a" + mixed),
            "\u1EA1" + low.substr(2) + high);
  std::string marks;
  while (marks.size() < 1 << 20)
    marks += "\u0F73\u0308\u0323";
  Json document = smallTokenizer();
  document["model"]["unk_token"] = "c";
  for (const char *form : {"NFC", "NFD", "NFKC", "NFKD"}) {
    document["normalizer"] = {{"type", form}};
    EXPECT_LT(secondsToEncode(*parse(document), marks), 5) << form;
  }
}

TEST(TokenizerStagesTest, PrependsAndReplaces) {
  EXPECT_EQ(normalized({{"type", "Prepend"}, {"prepend", "_"}}, "ab"), "_ab");
  EXPECT_EQ(normalized({{"type", "Prepend"}, {"prepend", "_"}}, ""), "");
  Json replace = {{"type", "Replace"},
                  {"pattern", {{"String", "aa"}}},
                  {"content", "\u2581"}};
  EXPECT_EQ(normalized(replace, "aaa baa"), "\u2581a b\u2581");
  replace["pattern"] = {{"Regex", "\\s{2,}"}};
  EXPECT_EQ(normalized(replace, "a \n\u2003b c"), "a\u2581b c");
}

TEST(TokenizerStagesTest, FindsTheLikeliestTokens) {
  Json document = Json::parse(R"({"model": {"type": "Unigram", "unk_id": 0,
    "vocab": [["<unk>", 0], ["a", -1], ["b", -1.5], ["ab", -2], ["abc", -5],
              ["c", -4], ["bc", -2.5], ["\u00e9", -3]]}})");
  auto tokenizer = parse(document);
  EXPECT_EQ(tokenizer->encode("ab"), Ids({3}));
  // a + bc: -3.5; ab + c: -6; abc: -5; a + b + c: -6.5.
  EXPECT_EQ(tokenizer->encode("abc"), Ids({1, 6}));
  EXPECT_EQ(tokenizer->encode("\u00e9a"), Ids({7, 1}));
  // A run of unknown characters is one unknown token.
  EXPECT_EQ(tokenizer->encode("axyzb"), Ids({1, 0, 2}));
  EXPECT_EQ(tokenizer->encode("\u00e8"), Ids({0}));
  EXPECT_EQ(tokenizer->encode(""), Ids());
  // An unknown character is worse than any token, even the worst.
  document["model"]["vocab"][4][1] = -1000;
  EXPECT_EQ(parse(document)->encode("abx"), Ids({3, 0}));
  // Without an unknown token such characters are lost.
  document["model"].erase("unk_id");
  EXPECT_EQ(parse(document)->encode("axb"), Ids({1, 2}));
}

TEST(TokenizerStagesTest, FallsBackToBytes) {
  Json document = Json::parse(R"({"model": {"type": "Unigram", "unk_id": 0,
    "byte_fallback": true,
    "vocab": [["<unk>", 0], ["a", -1], ["<0xC3>", -9], ["<0xA9>", -9]]},
    "decoder": {"type": "ByteFallback"}})");
  Json bpe = Json::parse(R"({"model": {"type": "BPE", "unk_token": "<unk>",
    "byte_fallback": true, "merges": [],
    "vocab": {"<unk>": 0, "a": 1, "<0xC3>": 2, "<0xA9>": 3}},
    "decoder": {"type": "ByteFallback"}})");
  for (const Json &kind : {document, bpe}) {
    auto tokenizer = parse(kind);
    EXPECT_EQ(tokenizer->encode("a\u00e9a"), Ids({1, 2, 3, 1}));
    EXPECT_EQ(tokenizer->decode(Ids({1, 2, 3, 1})), "a\u00e9a");
    // A character needs all its bytes.
    EXPECT_EQ(tokenizer->encode("a\u00e8a"), Ids({1, 0, 1}));
    EXPECT_EQ(tokenizer->tokenBytes(2), "\xC3");
    // One bad byte spoils the run, as in the Hugging Face library.
    EXPECT_EQ(tokenizer->decode(Ids({2, 3, 3, 1})), "\uFFFD\uFFFD\uFFFDa");
  }
}

TEST(TokenizerStagesTest, StreamsBytesAsCharacters) {
  auto tokenizer = parse(readGolden("sp-prepend")["tokenizer"]);
  // U+1D518 is in no vocabulary: four bytes.
  Ids ids = tokenizer->encode("\U0001D518", false);
  ASSERT_EQ(ids.size(), 5u); // The space in front, too.
  StreamDecoder decoder(*tokenizer);
  for (int32_t id : ids)
    EXPECT_EQ(decoder.push(id), "");
  int32_t a = tokenizer->tokenToId("a").value();
  EXPECT_EQ(decoder.push(a), "\U0001D518a");
  // At every cut, what is there is whole characters.
  for (size_t cut = 1; cut < ids.size(); ++cut) {
    Ids some(ids.begin(), ids.begin() + cut);
    std::string text;
    for (size_t i = 1; i < cut; ++i)
      text += "\uFFFD";
    EXPECT_EQ(tokenizer->decode(some), text);
    EXPECT_EQ(streamed(*tokenizer, some), text);
  }
}

TEST(TokenizerStagesTest, StripsTokensOrTheText) {
  Json document = Json::parse(R"({
    "model": {"type": "BPE", "merges": [],
              "vocab": {"_": 0, "a": 1, "__": 2, "_a_": 3}},
    "decoder": {"type": "Sequence", "decoders": [
      {"type": "Strip", "content": "_", "start": 1, "stop": 1}]}})");
  EXPECT_EQ(parse(document)->decode(Ids({3, 1, 3})), "aaa");
  Json &decoders = document["decoder"]["decoders"];
  decoders.insert(decoders.begin(), Json::object({{"type", "Fuse"}}));
  auto tokenizer = parse(document);
  EXPECT_EQ(tokenizer->decode(Ids({3, 1, 3})), "a_a_a");
  EXPECT_EQ(tokenizer->decode(Ids({2, 2})), "__");
  EXPECT_EQ(tokenizer->decode(Ids({0})), "");
  EXPECT_EQ(tokenizer->decode(Ids({2})), "");
  EXPECT_EQ(tokenizer->decode(Ids({1, 2, 0})), "a__");
  for (const Ids &ids : {Ids({3, 1, 3}), Ids({2, 2}), Ids({1, 2, 0, 1, 2})})
    EXPECT_EQ(streamed(*tokenizer, ids), tokenizer->decode(ids));
}

TEST(TokenizerStagesTest, DecodesMarkedSpaces) {
  Json document = Json::parse(R"({
    "model": {"type": "BPE", "merges": [],
              "vocab": {"\u2581": 0, "\u2581a": 1, "b": 2}},
    "decoder": {"type": "Metaspace"}})");
  EXPECT_EQ(parse(document)->decode(Ids({1, 2, 1})), "ab a");
  EXPECT_EQ(parse(document)->decode(Ids({0, 1})), " a");
  document["decoder"]["prepend_scheme"] = "never";
  EXPECT_EQ(parse(document)->decode(Ids({1, 2, 1})), " ab a");
}

/// Byte-pair encoding as it is defined, in quadratic time.
static Ids mergeSlowly(const Json &model, const std::string &word) {
  std::vector<std::string> symbols;
  for (char byte : word)
    symbols.emplace_back(1, byte);
  while (true) {
    size_t best = 0, bestRank = model["merges"].size();
    for (size_t i = 0; i + 1 < symbols.size(); ++i)
      for (size_t rank = 0; rank < bestRank; ++rank)
        if (model["merges"][rank] ==
            Json::array({symbols[i], symbols[i + 1]})) {
          best = i;
          bestRank = rank;
        }
    if (bestRank == model["merges"].size())
      break;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + best + 1);
  }
  Ids ids;
  for (const std::string &symbol : symbols)
    ids.push_back(model["vocab"][symbol].get<int32_t>());
  return ids;
}

TEST(TokenizerStagesTest, MergesLongWordsAsShortOnes) {
  // Merges in an order that makes lower ranks possible late.
  Json document = Json::parse(R"({"model": {"type": "BPE",
    "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "aa": 5, "abab": 6,
              "bc": 7, "ca": 8, "aab": 9, "cab": 10},
    "merges": [["ab", "c"], ["aa", "b"], ["ab", "ab"], ["c", "ab"],
               ["a", "a"], ["b", "c"], ["a", "bc"], ["a", "b"], ["c", "a"],
               ["ca", "b"]]}})");
  auto tokenizer = parse(document);
  uint32_t state = 1;
  for (size_t length : {1, 2, 3, 20, 47, 48, 49, 50, 51, 200, 400}) {
    std::string word;
    for (size_t i = 0; i < length; ++i) {
      state = state * 1664525 + 1013904223;
      word += char('a' + (state >> 16) % 3);
    }
    EXPECT_EQ(tokenizer->encode(word), mergeSlowly(document["model"], word))
        << word;
  }
}
