//===- TokenizerErrorsTest.cpp --------------------------------------------===//

#include "TokenizerTestUtils.h"

#include <filesystem>
#include <fstream>

using namespace marimba::rt;
using Json = nlohmann::json;
using Ids = std::vector<int32_t>;

TEST(TokenizerErrorsTest, NamesFilesItCannotRead) {
  std::string error;
  EXPECT_EQ(Tokenizer::load("/no/such/tokenizer.json", error), nullptr);
  EXPECT_EQ(error, "/no/such/tokenizer.json: cannot be read: No such file or "
                   "directory");
  EXPECT_EQ(Tokenizer::load(MARIMBA_TEST_INPUTS, error), nullptr);
  EXPECT_EQ(error, MARIMBA_TEST_INPUTS ": is not a regular file");
  // The file of the test is a document around a tokenizer.
  std::string path = MARIMBA_TEST_INPUTS "/tokenizer-stories.json";
  EXPECT_EQ(Tokenizer::load(path, error), nullptr);
  EXPECT_EQ(error, path + ": the top level has no field \"model\"");
}

TEST(TokenizerErrorsTest, LoadsFiles) {
  std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / "marimba-tokenizer-test.json";
  std::ofstream(path) << smallTokenizer();
  std::string error = "old";
  auto tokenizer = Tokenizer::load(path, error);
  std::filesystem::remove(path);
  ASSERT_NE(tokenizer, nullptr) << error;
  EXPECT_EQ(error, "");
  EXPECT_EQ(tokenizer->encode("abc"), Ids({6}));
}

TEST(TokenizerErrorsTest, RefusesBadJson) {
  for (std::string_view text :
       {"", "{", "[1,", "{\"model\": \"\xFF\"}", "1e999"})
    EXPECT_TRUE(errorOf(text).starts_with("t.json: is not valid JSON: "))
        << errorOf(text);
  EXPECT_EQ(errorOf("[]"), "t.json: the top level is an array, expected an "
                           "object");
  // Deep nesting is neither a crash nor a hang.
  EXPECT_NE(errorOf(std::string(1 << 20, '[')), "");
  std::string deep;
  for (int i = 0; i < 100000; ++i)
    deep += R"({"type": "Sequence", "normalizers": [)";
  for (int i = 0; i < 100000; ++i)
    deep += "]}";
  EXPECT_EQ(errorOf("{\"normalizer\": " + deep + "}"),
            "t.json: the file is nested more than 64 deep");
  // Nor where nothing looks; brackets in strings are none.
  EXPECT_EQ(errorOf("{\"padding\": " + std::string(100000, '[')),
            "t.json: the file is nested more than 64 deep");
  nlohmann::json document = smallTokenizer();
  document["model"]["vocab"][std::string(100, '[') + "\\\""] = 7;
  parse(document);
}

TEST(TokenizerErrorsTest, RefusesBadFields) {
  // A JSON patch to a good file, and the error.
  const std::pair<const char *, const char *> cases[] = {
      {R"({"pre_tokenizer": {"type": "UnicodeScripts"}})",
       R"(pre_tokenizer.type is "UnicodeScripts", supported: "BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "FixedLength", "Metaspace", "Punctuation", "Split", "Whitespace", "WhitespaceSplit", "Sequence")"},
      {R"({"pre_tokenizer": {"type": "CharDelimiterSplit", "delimiter": "ab"}})",
       R"(pre_tokenizer.delimiter is "ab", expected one character)"},
      {R"({"pre_tokenizer": {"type": "FixedLength", "length": 0}})",
       R"(pre_tokenizer.length is 0, expected at least 1)"},
      {R"({"pre_tokenizer": {"type": "Split"}})",
       R"(pre_tokenizer has no field "pattern")"},
      {R"({"pre_tokenizer": {"type": "Split", "pattern": {}}})",
       R"(pre_tokenizer.pattern has neither a "String" nor a "Regex")"},
      {R"({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "ab(c"}}})",
       R"(pre_tokenizer.pattern.Regex is "ab(c", which is not an expression of Oniguruma: end pattern with unmatched parenthesis)"},
      {R"({"pre_tokenizer": {"type": "Split", "pattern": {"String": "a"},
            "behavior": "isolated"}})",
       R"(pre_tokenizer.behavior is "isolated", supported: "Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")"},
      {R"({"pre_tokenizer": {"type": "Metaspace", "replacement": "ab"}})",
       R"(pre_tokenizer.replacement is "ab", expected one character)"},
      {R"({"pre_tokenizer": {"type": "Metaspace", "replacement": ""}})",
       R"(pre_tokenizer.replacement is "", expected one character)"},
      {R"({"pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "last"}})",
       R"(pre_tokenizer.prepend_scheme is "last", supported: "always", "first", "never")"},
      {R"({"normalizer": {"type": "Precompiled"}})",
       R"(normalizer.type is "Precompiled", supported: "BertNormalizer", "ByteLevel", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "Prepend", "Replace", "Strip", "StripAccents", "Sequence")"},
      {R"({"normalizer": {"type": "Strip", "strip_left": true}})",
       R"(normalizer has no field "strip_right")"},
      {R"({"normalizer": {"type": "Prepend"}})",
       R"(normalizer has no field "prepend")"},
      {R"({"model": {"type": "Bytes"}})",
       R"(model.type is "Bytes", supported: "BPE", "Unigram", "WordLevel", "WordPiece")"},
      {R"({"model": {"type": "WordPiece"}})",
       R"(model has no field "unk_token")"},
      {R"({"post_processor": {"type": "BertProcessing", "cls": ["a", 0],
                              "sep": ["a"]}})",
       R"(post_processor.sep has 1 elements, expected 2: a token and its id)"},
      {R"({"decoder": {"type": "BPEDecoder", "suffix": ""}})",
       R"(decoder.suffix is empty, expected at least one character)"},
      {R"({"model": {"type": "Unigram"}})",
       R"(model.vocab is an object, expected an array)"},
      {R"({"model": {"type": "Unigram", "vocab": [["a"]]}})",
       R"(model.vocab[0] has 1 elements, expected 2: a token and its score)"},
      {R"({"model": {"type": "Unigram", "vocab": [["a", "b"]]}})",
       R"(model.vocab[0][1] is a string, expected a number)"},
      {R"({"model": {"type": "Unigram", "vocab": [["a", 0]], "unk_id": 1}})",
       R"(model.unk_id is 1, but model.vocab has 1 tokens)"},
      {R"({"post_processor": {"type": "Sequence", "processors": [{"type": 5}]}})",
       R"(post_processor.processors[0].type is 5, expected a string)"},
      {R"({"decoder": {"type": "Sequence"}})",
       R"(decoder has no field "decoders")"},
      {R"({"decoder": {"type": "Sequence", "decoders":
            [{"type": "ByteLevel"}, {"type": "ByteLevel"}]}})",
       R"(decoder.decoders[1].type is "ByteLevel" after another decoder, supported: "ByteLevel" as the first)"},
      {R"({"decoder": {"type": "Sequence", "decoders":
            [{"type": "Fuse"}, {"type": "Metaspace"}]}})",
       R"(decoder.decoders[1].type is "Metaspace" after "Fuse", supported there: "Fuse", "Strip")"},
      {R"({"decoder": {"type": "Strip", "content": "", "start": 1, "stop": 0}})",
       R"(decoder.content is empty, expected one character)"},
      {R"({"decoder": {"type": "Strip", "content": " ", "start": -1}})",
       R"(decoder.start is -1, allowed: 0 to 2147483646)"},
      {R"({"pre_tokenizer": []})",
       R"(pre_tokenizer is an array, expected an object)"},
      {R"({"pre_tokenizer": {"use_regex": "yes"}})",
       R"(pre_tokenizer.use_regex is a string, expected true or false)"},
      {R"({"model": null})", R"(model is null, expected an object)"},
      {R"({"model": {"vocab": []}})",
       R"(model.vocab is an array, expected an object)"},
      {R"({"model": {"vocab": {"z": -1}}})",
       R"(model.vocab.z is -1, allowed: 0 to 2147483646)"},
      {R"({"model": {"vocab": {"z": 2147483647}}})",
       R"(model.vocab.z is 2147483647, allowed: 0 to 2147483646)"},
      {R"({"model": {"vocab": {"z": 18446744073709551615}}})",
       R"(model.vocab.z is 18446744073709551615, allowed: 0 to 2147483646)"},
      {R"({"model": {"vocab": {"z": 1.5}}})",
       R"(model.vocab.z is 1.5, expected an integer)"},
      {R"({"model": {"vocab": {"z": {}}}})",
       R"(model.vocab.z is an object, expected an integer)"},
      {R"({"model": {"merges": {}}})",
       R"(model.merges is an object, expected an array)"},
      {R"({"model": {"merges": [["a", "z"]]}})",
       R"(model.merges[0] names the token "z", which is not in model.vocab)"},
      {R"({"model": {"merges": ["a b", "b c"]}})",
       R"(model.merges[1] names the token "bc", which is not in model.vocab)"},
      {R"({"model": {"merges": ["ab"]}})",
       R"(model.merges[0] is "ab", expected two tokens with one space between)"},
      {R"({"model": {"merges": ["a b c"]}})",
       R"(model.merges[0] is "a b c", expected two tokens with one space between)"},
      {R"({"model": {"merges": [["a"]]}})",
       R"(model.merges[0] has 1 elements, expected 2)"},
      {R"({"model": {"merges": [["a", 1]]}})",
       R"(model.merges[0][1] is 1, expected a string)"},
      {R"({"model": {"merges": [7]}})",
       R"(model.merges[0] is 7, expected an array)"},
      {R"({"model": {"end_of_word_suffix": 1}})",
       R"(model.end_of_word_suffix is 1, expected a string)"},
      {R"({"added_tokens": {}})",
       R"(added_tokens is an object, expected an array)"},
      {R"({"added_tokens": [{"id": 7}]})",
       R"(added_tokens[0] has no field "content")"},
      {R"({"post_processor": {"type": "TemplateProcessing", "single":
            [{"SpecialToken": {"id": "s"}}], "special_tokens": {}}})",
       R"(post_processor.special_tokens has no field "s")"},
      {R"({"post_processor": {"type": "TemplateProcessing", "single":
            [{"Sequence": {"id": "B"}}]}})",
       R"(post_processor.single[0].Sequence.id is "B", expected "A")"},
      {R"({"post_processor": {"type": "TemplateProcessing", "single": [{}]}})",
       R"(post_processor.single[0] is neither a "Sequence" nor a "SpecialToken")"},
  };
  for (auto [patch, error] : cases) {
    SCOPED_TRACE(patch);
    Json document = smallTokenizer();
    document.merge_patch(Json::parse(patch));
    // In a merge patch, null takes a field away.
    if (!document.contains("model"))
      document["model"] = nullptr;
    EXPECT_EQ(errorOf(document.dump()), std::string("t.json: ") + error);
  }
}

TEST(TokenizerErrorsTest, RefusesEveryTruncation) {
  std::string text = smallTokenizer().dump();
  for (size_t length = 0; length < text.size(); ++length)
    EXPECT_NE(errorOf(std::string_view(text).substr(0, length)), "");
}
