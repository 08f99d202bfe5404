//===- TokenizerNotesTest.cpp ---------------------------------------------===//
//
// Files that contradict themselves: what the Hugging Face tokenizers library
// 0.23.2 makes of them, and what is said about it.
//
//===----------------------------------------------------------------------===//

#include "TokenizerTestUtils.h"

using namespace marimba::rt;
using Json = nlohmann::json;
using Ids = std::vector<int32_t>;
using Lines = std::vector<std::string>;

/// Of the library: a, b, ab and a hole up to 9.
static Json holedTokenizer() {
  return Json::parse(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [], "normalizer": null, "pre_tokenizer": null,
    "post_processor": null, "decoder": null,
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "x": 9},
              "merges": ["a b"]}})");
}

static Json special(int32_t id, const char *content) {
  return {{"id", id},           {"content", content}, {"special", true},
          {"lstrip", false},    {"rstrip", false},    {"single_word", false},
          {"normalized", false}};
}

TEST(TokenizerNotesTest, GivesIdsByTheVocabularyOrTheNextFree) {
  Json document = holedTokenizer();
  document["added_tokens"] = {special(400, "<x>")};
  auto tokenizer = parse(document);
  EXPECT_EQ(tokenizer->encode("a<x>b"), Ids({0, 4, 1}));
  EXPECT_EQ(
      tokenizer->notes(),
      Lines({"t.json: added_tokens[0] says that the id of \"<x>\" is 400, "
             "but it is 4, the next that is free"}));
  EXPECT_EQ(tokenizer->idToToken(400), std::nullopt);

  document["added_tokens"] = {special(2, "<x>"), special(2, "<y>")};
  tokenizer = parse(document);
  EXPECT_EQ(tokenizer->encode("a<x>b<y>"), Ids({0, 4, 1, 5}));
  EXPECT_EQ(tokenizer->idToToken(2), "ab");
  EXPECT_EQ(tokenizer->notes().size(), 2u);

  document["added_tokens"] = {special(7, "ab"), special(4, "")};
  tokenizer = parse(document);
  EXPECT_EQ(tokenizer->encode("xab"), Ids({9, 2}));
  EXPECT_TRUE(tokenizer->isSpecial(2));
  EXPECT_EQ(
      tokenizer->notes(),
      Lines({"t.json: added_tokens[0] says that the id of \"ab\" is 7, but "
             "it is 2, by model.vocab",
             "t.json: added_tokens[1] has no text and is left out"}));
}

TEST(TokenizerNotesTest, TakesTheLastOfEqualTokens) {
  Json document = holedTokenizer();
  Json plain = special(5, "<x>"), strips = special(7, "<x>");
  plain["special"] = false;
  strips["lstrip"] = true;
  document["added_tokens"] = {special(5, "<x>"), plain, strips};
  auto tokenizer = parse(document);
  EXPECT_EQ(tokenizer->encode("a <x>b"), Ids({0, 4, 1}));
  EXPECT_EQ(tokenizer->notes().size(), 5u);
  // What was special once stays so.
  document["added_tokens"] = {special(4, "<x>"), plain};
  tokenizer = parse(document);
  EXPECT_EQ(tokenizer->decode(Ids({0, 4, 1})), "a b");
  EXPECT_EQ(tokenizer->decode(Ids({0, 4, 1}), false), "a <x> b");
}

TEST(TokenizerNotesTest, ReadsVocabulariesThatContradictThemselves) {
  Json document = holedTokenizer();
  document["model"]["vocab"]["y"] = 9;
  auto tokenizer = parse(document);
  EXPECT_EQ(tokenizer->encode("xy"), Ids({9, 9}));
  EXPECT_EQ(tokenizer->idToToken(9), "x");
  EXPECT_EQ(
      tokenizer->notes(),
      Lines({"t.json: model.vocab gives the id 9 to both \"x\" and \"y\": "
             "it is read back as the first"}));
  // Five texts: the next is 5.
  document["added_tokens"] = {special(5, "<x>")};
  tokenizer = parse(document);
  EXPECT_EQ(tokenizer->encode("<x>"), Ids({5}));
  EXPECT_EQ(tokenizer->notes().size(), 1u);

  document = holedTokenizer();
  document["model"]["unk_token"] = "[UNK]";
  tokenizer = parse(document);
  EXPECT_EQ(tokenizer->encode("qab"), Ids({2}));
  EXPECT_EQ(tokenizer->notes(),
            Lines({"t.json: model.unk_token is \"[UNK]\", which is not in "
                   "model.vocab: characters that are not, either, are left "
                   "out"}));
}

TEST(TokenizerNotesTest, LeavesNoMergeOut) {
  Json document = holedTokenizer();
  document["model"]["dropout"] = 0.1;
  auto tokenizer = parse(document);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(tokenizer->encode("ab"), Ids({2}));
  EXPECT_EQ(tokenizer->notes(),
            Lines({"t.json: model.dropout is 0.1: it is for "
                   "training, no merge is left out"}));
}

TEST(TokenizerNotesTest, SaysTheSameOnlySoOften) {
  Json document = holedTokenizer();
  for (int i = 0; i < 1000; ++i)
    document["model"]["vocab"]["y" + std::to_string(i)] = 9;
  auto tokenizer = parse(document);
  EXPECT_EQ(tokenizer->notes().size(), 9u);
  EXPECT_EQ(tokenizer->notes().back(), "t.json: there is more of this kind");
}

TEST(TokenizerNotesTest, KeepsIdsOfTheTemplate) {
  Json document = holedTokenizer();
  document["post_processor"] = Json::parse(R"({
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "s"}}, {"Sequence": {"id": "A"}}],
    "special_tokens": {"s": {"ids": [99]}}})");
  auto tokenizer = parse(document);
  EXPECT_EQ(tokenizer->encode("a"), Ids({99, 0}));
  EXPECT_EQ(tokenizer->notes(), Lines({"t.json: post_processor adds the id 99, "
                                       "which no token has"}));
}

TEST(TokenizerNotesTest, SaysNothingAboutWhatIsLeftOutOrMore) {
  for (const char *patch :
       {R"({"version": null, "padding": null, "added_tokens": null})",
        R"({"truncation": {"max_length": 1, "stride": 0,
            "strategy": "LongestFirst", "direction": "Right"},
            "padding": {"strategy": {"Fixed": 9}, "pad_id": 0}})",
        R"({"model": {"type": null}})",
        R"({"model": {"continuing_subword_prefix": "", "fuse_unk": null,
            "byte_fallback": null, "ignore_merges": null}})",
        R"({"normalizer": {"type": "Sequence", "normalizers": []},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": []},
            "more": {"of": "it"}, "model": {"more": 1}})",
        R"({"decoder": {"type": "Sequence", "decoders": []}})"}) {
    SCOPED_TRACE(patch);
    Json document = holedTokenizer();
    document.merge_patch(Json::parse(patch));
    auto tokenizer = parse(document);
    EXPECT_EQ(tokenizer->encode("abx"), Ids({2, 9}));
    EXPECT_EQ(tokenizer->notes(), Lines());
  }
  // A byte order mark, too.
  std::string error, text = "\xEF\xBB\xBF" + holedTokenizer().dump();
  EXPECT_NE(Tokenizer::parse(text, "t.json", error), nullptr) << error;
}

TEST(TokenizerNotesTest, ReadsUntypedUnigramModels) {
  Json document = holedTokenizer();
  document["model"] = Json::parse(
      R"({"vocab": [["<unk>", 0], ["a", -1], ["b", -2.5]], "unk_id": 0})");
  EXPECT_EQ(parse(document)->encode("ab"), Ids({1, 2}));
}
