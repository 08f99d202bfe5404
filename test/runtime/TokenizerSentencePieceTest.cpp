//===- TokenizerSentencePieceTest.cpp -------------------------------------===//
//
// tokenizer.model files against the library itself. The two of Inputs were made
// of examples/stories-jamba/heldout.tale.txt by spm_train 0.1.97 with
// --character_coverage=0.999 --normalization_rule_name=identity and
//   bpe:     --model_type=bpe --vocab_size=600 --byte_fallback=true
//            --remove_extra_whitespaces=false --split_digits=true
//   unigram: --vocab_size=300 --user_defined_symbols='<sep>'
//
//===----------------------------------------------------------------------===//

#include "TokenizerTestUtils.h"

#include <filesystem>
#include <sentencepiece_processor.h>

using namespace marimba::rt;
using Json = nlohmann::json;
using Ids = std::vector<int32_t>;

/// Texts, but for the one that spells control tokens: the library takes those
/// for text.
static std::vector<std::string> readTexts() {
  std::vector<std::string> texts;
  const Json document = readGolden("sp-prepend");
  for (const Json &item : document["cases"])
    if (item["text"] != "</s> <s>")
      texts.push_back(item["text"].get<std::string>());
  return texts;
}

static std::string inputPath(const std::string &name) {
  return MARIMBA_TEST_INPUTS "/sentencepiece-" + name + ".model";
}

namespace {

class TokenizerSentencePieceTest : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    std::string error;
    tokenizer = Tokenizer::load(inputPath(GetParam()), error);
    ASSERT_NE(tokenizer, nullptr) << error;
    ASSERT_TRUE(library.Load(inputPath(GetParam())).ok());
  }

  std::unique_ptr<Tokenizer> tokenizer;
  sentencepiece::SentencePieceProcessor library;
};

} // namespace

TEST_P(TokenizerSentencePieceTest, AgreesWithTheLibrary) {
  for (const std::string &text : readTexts()) {
    SCOPED_TRACE(Json(text).dump());
    Ids ids = library.EncodeAsIds(text);
    EXPECT_EQ(tokenizer->encode(text, false), ids);
    EXPECT_EQ(tokenizer->decode(ids), library.DecodeIds(ids));
    EXPECT_EQ(streamed(*tokenizer, ids), library.DecodeIds(ids));
    ids.insert(ids.begin(), library.bos_id());
    EXPECT_EQ(tokenizer->encode(text), ids);
  }
}

TEST_P(TokenizerSentencePieceTest, StreamsIdsInAnyOrder) {
  uint32_t state = 1;
  for (int round = 0; round < 500; ++round) {
    Ids ids;
    for (int i = 0; i < 40; ++i) {
      state = state * 1664525 + 1013904223;
      // Mostly bytes, where there are any; no control tokens, which the
      // library takes for the end of a character.
      int id = int(state >> 8) % (i % 4 ? 260 : library.GetPieceSize());
      ids.push_back(library.IsControl(id) ? library.unk_id() : id);
    }
    EXPECT_EQ(streamed(*tokenizer, ids), library.DecodeIds(ids));
  }
}

TEST_P(TokenizerSentencePieceTest, EncodesLongTextsInParts) {
  std::string text;
  while (text.size() < 200000)
    for (const std::string &part : readTexts())
      text += part + " the  end of it ";
  EXPECT_EQ(tokenizer->encode(text, false), library.EncodeAsIds(text));
}

TEST_P(TokenizerSentencePieceTest, LooksUpTokens) {
  EXPECT_EQ(tokenizer->vocabSize(), library.GetPieceSize());
  EXPECT_EQ(tokenizer->tokenToId("<s>"), library.bos_id());
  EXPECT_EQ(tokenizer->tokenToId("no such token"), std::nullopt);
  EXPECT_EQ(tokenizer->tokenToId("<unk>"), library.unk_id());
  EXPECT_EQ(tokenizer->idToToken(library.GetPieceSize()), std::nullopt);
  EXPECT_TRUE(tokenizer->isSpecial(library.eos_id()));
  EXPECT_FALSE(tokenizer->isSpecial(library.unk_id()));
  int the = library.PieceToId("\u2581the");
  EXPECT_EQ(tokenizer->idToToken(the), "\u2581the");
  EXPECT_EQ(tokenizer->tokenBytes(the), " the");
  // Control tokens are found in texts.
  Ids ids = tokenizer->encode("a</s>");
  EXPECT_EQ(ids.back(), library.eos_id());
  EXPECT_EQ(tokenizer->decode(ids), "a");
  EXPECT_EQ(tokenizer->decode(ids, false), "<s> a</s>");
}

INSTANTIATE_TEST_SUITE_P(Kinds, TokenizerSentencePieceTest,
                         testing::Values("bpe", "unigram"));

TEST(TokenizerSentencePieceFilesTest, StreamsEveryByteOfACharacter) {
  std::string error;
  auto tokenizer = Tokenizer::load(inputPath("bpe"), error);
  ASSERT_NE(tokenizer, nullptr) << error;
  Ids ids = tokenizer->encode("\U0001F600\u00e9", false);
  ASSERT_GE(ids.size(), 6u);
  StreamDecoder decoder(*tokenizer);
  std::string text;
  for (int32_t id : ids) {
    std::string piece = decoder.push(id);
    EXPECT_TRUE(isUtf8(piece));
    text += piece;
  }
  // Nothing is held back at the end of a character.
  EXPECT_EQ(text, "\U0001F600\u00e9");
  EXPECT_EQ(decoder.flush(), "");
}

TEST(TokenizerSentencePieceFilesTest, ObeysTheConfiguration) {
  std::filesystem::path dir =
      std::filesystem::path(testing::TempDir()) / "marimba-sentencepiece-test";
  std::filesystem::create_directories(dir);
  std::filesystem::copy_file(inputPath("bpe"), dir / "tokenizer.model",
                             std::filesystem::copy_options::overwrite_existing);
  std::string error;
  auto load = [&](const char *config) {
    std::ofstream(dir / "tokenizer_config.json") << config;
    return Tokenizer::load(dir / "tokenizer.model", error);
  };
  auto tokenizer = load(R"({"add_bos_token": false, "add_eos_token": true})");
  ASSERT_NE(tokenizer, nullptr) << error;
  Ids ids = tokenizer->encode("a", false);
  ids.push_back(2);
  EXPECT_EQ(tokenizer->encode("a"), ids);
  ASSERT_NE(load("{}"), nullptr) << error;
  EXPECT_EQ(load(R"({"add_bos_token": 1})"), nullptr);
  EXPECT_EQ(error, (dir / "tokenizer_config.json").string() +
                       ": add_bos_token is 1, expected true or false");
  EXPECT_EQ(load("{"), nullptr);
  EXPECT_TRUE(error.starts_with((dir / "tokenizer_config.json").string() +
                                ": is not valid JSON: "))
      << error;
  std::filesystem::remove_all(dir);
}

TEST(TokenizerSentencePieceFilesTest, RefusesBadFiles) {
  std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / "marimba-bad.model";
  std::ifstream file(inputPath("bpe"), std::ios::binary);
  std::string good(std::istreambuf_iterator<char>(file), {});
  for (const std::string &contents :
       {std::string(), std::string("not a model"), std::string(1000, '\xFF'),
        good.substr(0, good.size() / 2), std::string("{}")}) {
    std::ofstream(path, std::ios::binary) << contents;
    std::string error;
    EXPECT_EQ(Tokenizer::load(path, error), nullptr);
    EXPECT_TRUE(
        error.starts_with(path.string() + ": is not a SentencePiece model: "))
        << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
  std::filesystem::remove(path);
}
