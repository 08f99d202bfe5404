//===- TokenizerConfigTest.cpp --------------------------------------------===//
//
// What stands beside a tokenizer.json, as transformers 4.56 and 5 read it.
//
//===----------------------------------------------------------------------===//

#include "TokenizerTestUtils.h"

#include <filesystem>

using namespace marimba::rt;
using Json = nlohmann::json;
using Ids = std::vector<int32_t>;
using Lines = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

/// A folder with the small tokenizer, which has ids 0 to 6, and these added:
/// <s> 7, </s> 8, both special.
class TokenizerConfigTest : public testing::Test {
protected:
  void SetUp() override {
    fs::remove_all(dir);
    fs::create_directories(dir);
    document["added_tokens"] = {addedToken(7, "<s>"), addedToken(8, "</s>")};
    for (Json &token : document["added_tokens"])
      token["special"] = true;
  }
  void TearDown() override { fs::remove_all(dir); }

  void write(const char *name, const std::string &text) {
    std::ofstream(dir / name, std::ios::binary) << text;
  }

  std::unique_ptr<Tokenizer> load(const std::string &config,
                                  const char *name = "tokenizer.json") {
    if (std::string(name) == "tokenizer.json")
      write(name, document.dump());
    write("tokenizer_config.json", config);
    return Tokenizer::load(dir / name, error);
  }

  Ids encode(const std::string &config, const char *text = "ab") {
    auto tokenizer = load(config);
    EXPECT_NE(tokenizer, nullptr) << error;
    return tokenizer ? tokenizer->encode(text) : Ids();
  }

  /// The error, without the folder in front.
  std::string errorOfConfig(const std::string &config) {
    EXPECT_EQ(load(config), nullptr) << config;
    std::string folder = dir.string() + "/";
    EXPECT_TRUE(error.starts_with(folder)) << error;
    return error.substr(std::min(folder.size(), error.size()));
  }

  void setTemplate(int32_t id) {
    document["post_processor"] = {
        {"type", "TemplateProcessing"},
        {"single",
         {{{"SpecialToken", {{"id", "s"}}}}, {{"Sequence", {{"id", "A"}}}}}},
        {"special_tokens", {{"s", {{"ids", {id}}}}}}};
  }

  const fs::path dir =
      fs::path(testing::TempDir()) / "marimba-tokenizer-config-test";
  Json document = smallTokenizer();
  std::string error;
};

} // namespace

TEST_F(TokenizerConfigTest, FlagsReplaceTheTemplate) {
  const std::string names =
      R"("tokenizer_class": "LlamaTokenizerFast", "bos_token": "<s>",
         "eos_token": "</s>")";
  EXPECT_EQ(encode("{" + names + R"(, "add_bos_token": true})"), Ids({7, 4}));
  EXPECT_EQ(encode("{" + names + R"(, "add_bos_token": true,
                                     "add_eos_token": true})"),
            Ids({7, 4, 8}));
  // The default of the class, where the other flag is there.
  EXPECT_EQ(encode("{" + names + R"(, "add_eos_token": true})"),
            Ids({7, 4, 8}));
  EXPECT_EQ(encode(R"({"tokenizer_class": "PreTrainedTokenizerFast",
                       "eos_token": "</s>", "add_eos_token": true})"),
            Ids({4, 8}));
  // Without either, the file's template stands.
  EXPECT_EQ(encode("{" + names + "}"), Ids({4}));
  setTemplate(7);
  EXPECT_EQ(encode("{" + names + "}"), Ids({7, 4}));
  EXPECT_EQ(encode("{" + names + R"(, "add_bos_token": false})"), Ids({4}));
  // A null is false, but said.
  EXPECT_EQ(encode("{" + names + R"(, "add_bos_token": null})"), Ids({4}));
  // The names may be objects.
  EXPECT_EQ(encode(R"({"add_bos_token": true, "bos_token": {"__type":
      "AddedToken", "content": "</s>", "lstrip": false, "normalized": true}})"),
            Ids({8, 4}));
  // A class has names of its own.
  EXPECT_EQ(encode(R"({"tokenizer_class": "LlamaTokenizer",
                       "add_bos_token": true, "add_eos_token": true})"),
            Ids({7, 4, 8}));
}

TEST_F(TokenizerConfigTest, NothingIsAddedWithoutAToken) {
  setTemplate(7);
  auto tokenizer = load(R"({"bos_token": null, "add_bos_token": true})");
  ASSERT_NE(tokenizer, nullptr) << error;
  EXPECT_EQ(tokenizer->encode("ab"), Ids({4}));
  EXPECT_EQ(tokenizer->notes(),
            Lines({(dir / "tokenizer.json").string() +
                   ": the top level has none for the bos_token that "
                   "tokenizer_config.json wants around a text: nothing is "
                   "added"}));
  tokenizer = load(R"({"tokenizer_class": "GemmaTokenizer",
                       "add_bos_token": true})");
  ASSERT_NE(tokenizer, nullptr) << error;
  EXPECT_EQ(tokenizer->encode("ab"), Ids({4}));
  EXPECT_NE(tokenizer->notes().at(0).find("has no token \"<bos>\""),
            std::string::npos);
}

TEST_F(TokenizerConfigTest, TokensByIdAreAdded) {
  // In the order of their ids as numbers, with the ids that follow.
  auto tokenizer = load(R"({"added_tokens_decoder": {
      "10": {"content": "<b>", "special": true},
      "9": {"content": "<a>", "special": false, "normalized": false,
            "rstrip": true},
      "7": {"content": "<s>", "special": true, "lstrip": true},
      "0": {"content": "a", "single_word": true}}})");
  ASSERT_NE(tokenizer, nullptr) << error;
  EXPECT_EQ(tokenizer->encode("b<a>  b<b>"), Ids({1, 9, 1, 10}));
  EXPECT_FALSE(tokenizer->isSpecial(9));
  EXPECT_TRUE(tokenizer->isSpecial(10));
  // Flags of tokens that were there already.
  EXPECT_EQ(tokenizer->encode("b  <s>"), Ids({1, 7}));
  EXPECT_EQ(tokenizer->encode("a bb"), Ids({0, 3, 1, 1}));
  EXPECT_EQ(tokenizer->encode("ab"), Ids({4}));
  EXPECT_EQ(tokenizer->vocabSize(), 11);
  // The keys only order them.
  EXPECT_EQ(encode(R"({"added_tokens_decoder": {"300": {"content": "<a>"},
                       "-1": {"content": "<b>"}}})",
                   "<a><b>"),
            Ids({10, 9}));
}

TEST_F(TokenizerConfigTest, NamedTokensAreSpecial) {
  document["added_tokens"][1]["special"] = false;
  auto tokenizer = load(R"({"eos_token": "</s>", "pad_token": "[PAD]",
      "unk_token": "c", "cls_token": null, "sep_token": "",
      "additional_special_tokens": ["<x>", {"content": "<y>", "rstrip": true}],
      "extra_special_tokens": {"image_token": "<z>"}})");
  ASSERT_NE(tokenizer, nullptr) << error;
  EXPECT_TRUE(tokenizer->isSpecial(8));
  EXPECT_TRUE(tokenizer->isSpecial(2));
  EXPECT_EQ(tokenizer->encode("[PAD]<x><y> <z>ab"), Ids({9, 10, 11, 12, 4}));
  EXPECT_EQ(tokenizer->decode(Ids({4, 8, 9, 10, 2})), "ab");
}

TEST_F(TokenizerConfigTest, SpecialTokensMayBeSplit) {
  document["model"]["vocab"] = {{"<", 0}, {"s", 1}, {">", 2}};
  document["model"]["merges"] = Json::array();
  document["added_tokens"][0]["id"] = 3;
  document["added_tokens"][1]["id"] = 4;
  EXPECT_EQ(encode("{}", "<s>"), Ids({3}));
  EXPECT_EQ(encode(R"({"split_special_tokens": true})", "<s>"), Ids({0, 1, 2}));
  document["added_tokens"][0]["special"] = false;
  EXPECT_EQ(encode(R"({"split_special_tokens": true})", "<s>"), Ids({3}));
}

TEST_F(TokenizerConfigTest, PrefixSpaces) {
  EXPECT_EQ(encode(R"({"add_prefix_space": true})", "a"), Ids({5}));
  EXPECT_EQ(encode(R"({"add_prefix_space": false})", "a"), Ids({0}));
  EXPECT_EQ(encode(R"({"add_prefix_space": null})", "a"), Ids({0}));
  document["pre_tokenizer"]["add_prefix_space"] = true;
  EXPECT_EQ(encode(R"({"add_prefix_space": false})", "a"), Ids({0}));
  EXPECT_EQ(encode("{}", "a"), Ids({5}));
  // The classes of Llama have other stages.
  document["pre_tokenizer"] = {{"type", "Metaspace"}};
  document["decoder"] = {{"type", "Metaspace"}};
  document["model"]["vocab"]["\u2581"] = 3;
  document["model"]["vocab"].erase("Ġ");
  document["model"]["vocab"].erase("Ġa");
  document["model"]["merges"] = {"a b"};
  const char *without =
      R"({"tokenizer_class": "LlamaTokenizer", "add_prefix_space": false})";
  EXPECT_EQ(encode("{}"), Ids({3, 4}));
  EXPECT_EQ(encode(without), Ids({4}));
  document["pre_tokenizer"] = nullptr;
  document["normalizer"] = Json::parse(R"({"type": "Sequence", "normalizers": [
      {"type": "Prepend", "prepend": "▁"},
      {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]})");
  EXPECT_EQ(encode("{}"), Ids({3, 4}));
  EXPECT_EQ(encode(without), Ids({4}));
}

TEST_F(TokenizerConfigTest, OlderFilesCountWithoutTokensById) {
  write("special_tokens_map.json",
        R"({"bos_token": {"content": "</s>", "normalized": false},
            "additional_special_tokens": ["<n>"]})");
  write("added_tokens.json", R"({"<n>": 10, "<m>": 9})");
  auto tokenizer = load(R"({"add_bos_token": true, "bos_token": "<s>"})");
  ASSERT_NE(tokenizer, nullptr) << error;
  EXPECT_EQ(tokenizer->encode("<m><n>"), Ids({8, 9, 10}));
  EXPECT_FALSE(tokenizer->isSpecial(9));
  EXPECT_TRUE(tokenizer->isSpecial(10));
  EXPECT_EQ(encode(R"({"add_bos_token": true, "bos_token": "<s>",
                       "added_tokens_decoder": {}})",
                   "ab"),
            Ids({7, 4}));
  // They may stand alone.
  fs::remove(dir / "tokenizer_config.json");
  tokenizer = Tokenizer::load(dir / "tokenizer.json", error);
  ASSERT_NE(tokenizer, nullptr) << error;
  EXPECT_EQ(tokenizer->encode("<m><n>"), Ids({9, 10}));
}

TEST_F(TokenizerConfigTest, NamesTheFileAndTheField) {
  const std::pair<const char *, const char *> cases[] = {
      {"[]", "the top level is an array, expected an object"},
      {"null", "the top level is null, expected an object"},
      {R"({"add_bos_token": "yes"})",
       "add_bos_token is a string, expected true or false"},
      {R"({"add_eos_token": 1})", "add_eos_token is 1, expected true or false"},
      {R"({"tokenizer_class": 1})", "tokenizer_class is 1, expected a string"},
      {R"({"bos_token": 5})", "bos_token is 5, expected a string or an object"},
      {R"({"eos_token": {}})", R"(eos_token has no field "content")"},
      {R"({"added_tokens_decoder": []})",
       "added_tokens_decoder is an array, expected an object"},
      {R"({"added_tokens_decoder": {"x": {}}})",
       R"(added_tokens_decoder has the key "x", expected a token id)"},
      {R"({"added_tokens_decoder": {"5": "x"}})",
       "added_tokens_decoder.5 is a string, expected an object"},
      {R"({"added_tokens_decoder": {"5": {"content": "x", "lstrip": 1}}})",
       "added_tokens_decoder.5.lstrip is 1, expected true or false"},
      {R"({"additional_special_tokens": "x"})",
       "additional_special_tokens is a string, expected an array"},
      {R"({"additional_special_tokens": [1]})",
       "additional_special_tokens[0] is 1, expected a string or an object"},
  };
  for (auto [config, message] : cases)
    EXPECT_EQ(errorOfConfig(config),
              std::string("tokenizer_config.json: ") + message);
  EXPECT_TRUE(errorOfConfig("").starts_with(
      "tokenizer_config.json: is not valid JSON: "));
  EXPECT_EQ(encode("\xEF\xBB\xBF{}"), Ids({4}));
  EXPECT_EQ(encode(R"({"added_tokens_decoder": null, "tokenizer_class": null,
                       "additional_special_tokens": null,
                       "split_special_tokens": null})"),
            Ids({4}));
  write("added_tokens.json", R"({"x": -1})");
  EXPECT_EQ(errorOfConfig("{}"),
            "added_tokens.json: x is -1, allowed: 0 to 2147483646");
  write("added_tokens.json", "{}");
  write("special_tokens_map.json", "[]");
  EXPECT_EQ(errorOfConfig("{}"), "special_tokens_map.json: the top level is an "
                                 "array, expected an object");
  fs::remove(dir / "special_tokens_map.json");
  fs::create_directory(dir / "special_tokens_map.json");
  EXPECT_EQ(errorOfConfig("{}"),
            "special_tokens_map.json: is not a regular file");
}

TEST_F(TokenizerConfigTest, PointersOfGitLfsAreNone) {
  const char *pointer = "version https://git-lfs.github.com/spec/v1\n"
                        "oid sha256:4d7a\nsize 17\n";
  for (const char *name : {"tokenizer.model", "tekken.json", "vocab.json"}) {
    write(name, pointer);
    EXPECT_EQ(load("{}", name), nullptr);
    EXPECT_EQ(error, (dir / name).string() +
                         ": is a Git LFS pointer, not the file itself: 'git "
                         "lfs pull' in its folder fetches that");
  }
  EXPECT_EQ(errorOfConfig(pointer),
            "tokenizer_config.json: is a Git LFS pointer, not the file itself: "
            "'git lfs pull' in its folder fetches that");
}

TEST_F(TokenizerConfigTest, ReadsVocabularyAndMerges) {
  write("vocab.json", R"({"a": 0, "b": 1, "Ġ": 2, "ab": 3, "Ġa": 4, "1": 5,
                          "<|endoftext|>": 6})");
  write("merges.txt", "#version: 0.2\r\na b\r\n\nĠ a\n");
  auto encodeWith = [&](const std::string &config, const char *text) {
    auto tokenizer = load(config, "vocab.json");
    EXPECT_NE(tokenizer, nullptr) << error;
    return tokenizer ? tokenizer->encode(text) : Ids();
  };
  EXPECT_EQ(encodeWith("{}", "ab a"), Ids({3, 4}));
  EXPECT_EQ(encodeWith("{}", "11"), Ids({5, 5}));
  EXPECT_EQ(encodeWith(R"({"tokenizer_class": "GPT2Tokenizer",
      "add_bos_token": true, "bos_token": "<|endoftext|>",
      "add_prefix_space": true})",
                       "a<|endoftext|>"),
            Ids({6, 4, 6}));
  EXPECT_EQ(encodeWith(R"({"tokenizer_class": "Qwen2Tokenizer",
      "added_tokens_decoder": {"7": {"content": "<|im_end|>",
                                     "special": true}}})",
                       "a<|im_end|>"),
            Ids({0, 7}));
  EXPECT_EQ(load(R"({"tokenizer_class": "RobertaTokenizer"})", "vocab.json"),
            nullptr);
  EXPECT_NE(error.find("belongs to the class \"RobertaTokenizer\""),
            std::string::npos)
      << error;
  fs::remove(dir / "merges.txt");
  EXPECT_EQ(load("{}", "vocab.json"), nullptr);
  EXPECT_EQ(error, (dir / "vocab.json").string() +
                       ": needs merges.txt beside it, which cannot be read: No "
                       "such file or directory");
}

TEST_F(TokenizerConfigTest, ReadsTekken) {
  // a, b, c, "ab", "abc", and one more than default_vocab_size has room for.
  const std::string tekken = R"({"config": {
      "pattern": "\\w+|\\W", "default_vocab_size": 9,
      "default_num_special_tokens": 4},
    "special_tokens": [{"rank": 0, "token_str": "<unk>", "is_control": true},
                       {"rank": 1, "token_str": "<s>", "is_control": true},
                       {"rank": 2, "token_str": "</s>", "is_control": true}],
    "vocab": [{"rank": 0, "token_bytes": "YQ==", "token_str": "a"},
              {"rank": 1, "token_bytes": "Yg==", "token_str": "b"},
              {"rank": 2, "token_bytes": "Yw==", "token_str": "c"},
              {"rank": 3, "token_bytes": "YWI=", "token_str": "ab"},
              {"rank": 4, "token_bytes": "YWJj", "token_str": "abc"},
              {"rank": 5, "token_bytes": "Y2M=", "token_str": "cc"}]})";
  write("tekken.json", tekken);
  auto tokenizer = load("{}", "tekken.json");
  ASSERT_NE(tokenizer, nullptr) << error;
  EXPECT_EQ(tokenizer->encode("abcc</s>"), Ids({1, 8, 6, 2}));
  EXPECT_EQ(tokenizer->encode("<SPECIAL_3>", false), Ids({3}));
  EXPECT_EQ(tokenizer->decode(Ids({1, 8, 6, 2})), "abcc");
  EXPECT_EQ(tokenizer->vocabSize(), 9);
  tokenizer = load(R"({"add_bos_token": false})", "tekken.json");
  ASSERT_NE(tokenizer, nullptr) << error;
  EXPECT_EQ(tokenizer->encode("ab"), Ids({7}));

  Json broken = Json::parse(tekken);
  broken["vocab"][0]["token_bytes"] = "Y*";
  write("tekken.json", broken.dump());
  EXPECT_EQ(load("{}", "tekken.json"), nullptr);
  EXPECT_EQ(error, (dir / "tekken.json").string() +
                       ": vocab[0].token_bytes is \"Y*\", expected base64");
  broken.erase("special_tokens");
  write("tekken.json", broken.dump());
  EXPECT_EQ(load("{}", "tekken.json"), nullptr);
  EXPECT_EQ(error, (dir / "tekken.json").string() +
                       ": the top level has no field \"special_tokens\"");
}

TEST_F(TokenizerConfigTest, ReadsTiktoken) {
  // a, b, the space, "ab", "aab", é: its bytes and itself.
  const std::string file = "YQ== 0\nYg== 1\nIA== 2\nYWI= 3\nYWFi 4\n"
                           "ww== 5\nqQ== 6\nw6k= 7\n";
  write("tiktoken.model", file);
  const std::string config = R"({"tokenizer_class": "TikTokenTokenizer",
    "bos_token": "[BOS]", "added_tokens_decoder": {
      "8": {"content": "[BOS]", "special": true},
      "10": {"content": "<think>", "special": false}}})";
  auto tokenizer = load(config, "tiktoken.model");
  ASSERT_NE(tokenizer, nullptr) << error;
  EXPECT_EQ(tokenizer->encode("aab aaabé"), Ids({4, 2, 0, 4, 7}));
  EXPECT_EQ(tokenizer->encode("[BOS]a<think><|reserved_token_9|>b"),
            Ids({8, 0, 10, 9, 1}));
  EXPECT_EQ(tokenizer->decode(Ids({8, 4, 10, 9, 7})), "aab<think>é");
  EXPECT_EQ(tokenizer->vocabSize(), 8 + 258);
  for (auto [line, message] :
       {std::pair("?? 0", "line 1 is \"?? 0\", expected a token in base64 and "
                          "its rank"),
        std::pair("YQ==", "line 1 is \"YQ==\", expected a token in base64 and "
                          "its rank"),
        std::pair("YQ== 1", "line 1 has the rank 1, expected 0"),
        std::pair("YQ== 0\nYQ== 1",
                  "line 2 has a token that an earlier line has"),
        std::pair("", "has no tokens")}) {
    write("tiktoken.model", line);
    EXPECT_EQ(load(config, "tiktoken.model"), nullptr);
    EXPECT_EQ(error, (dir / "tiktoken.model").string() + ": " + message);
  }
  EXPECT_EQ(load(R"({"tokenizer_class": "Other"})", "tiktoken.model"), nullptr);
  EXPECT_NE(error.find("belongs to the class \"Other\""), std::string::npos)
      << error;
}

TEST_F(TokenizerConfigTest, SentencePieceFilesTakeTokensToo) {
  fs::copy_file(MARIMBA_TEST_INPUTS "/sentencepiece-bpe.model",
                dir / "tokenizer.model");
  auto tokenizer = load("{}", "tokenizer.model");
  ASSERT_NE(tokenizer, nullptr) << error;
  Ids plain = tokenizer->encode("a");
  auto count = static_cast<int32_t>(tokenizer->vocabSize());
  tokenizer = load(R"({"tokenizer_class": "LlamaTokenizer",
      "added_tokens_decoder": {"9999": {"content": "<|im_end|>",
                                        "special": true}}})",
                   "tokenizer.model");
  ASSERT_NE(tokenizer, nullptr) << error;
  Ids expected = plain;
  expected.push_back(count);
  EXPECT_EQ(tokenizer->encode("a<|im_end|>"), expected);
  EXPECT_EQ(tokenizer->decode(expected), "a");
  EXPECT_EQ(tokenizer->decode(expected, false), "<s> a<|im_end|>");
  // The same file by the name that T5 has for it: the end stands behind.
  fs::rename(dir / "tokenizer.model", dir / "spiece.model");
  tokenizer = load(R"({"tokenizer_class": "T5Tokenizer"})", "spiece.model");
  ASSERT_NE(tokenizer, nullptr) << error;
  EXPECT_EQ(tokenizer->encode("a"), Ids({plain[1], 2}));
  EXPECT_EQ(load(R"({"tokenizer_class": "XLNetTokenizer"})", "spiece.model"),
            nullptr);
  EXPECT_NE(error.find("belongs to the class \"XLNetTokenizer\""),
            std::string::npos)
      << error;
  write("tokenizer.model", "IQ== 0\nIg== 1\n");
  EXPECT_EQ(load("{}", "tokenizer.model"), nullptr);
  EXPECT_NE(error.find("is a vocabulary of tiktoken"), std::string::npos);
}
