//===- AnswerTextTest.cpp -------------------------------------------------===//

#include "../TokenizerTestUtils.h"

#include "marimba/AnswerText.h"
#include "marimba/EndTokens.h"

using namespace marimba::rt;
using nlohmann::json;

/// Pieces of SentencePiece with a line end that is a byte: the decoder holds it
/// back until another token comes.
static json piecesTokenizer() {
  json document = smallTokenizer();
  document["pre_tokenizer"] = nullptr;
  document["decoder"] = json::parse(R"({"type": "Sequence", "decoders": [
    {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
    {"type": "ByteFallback"}, {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})");
  document["model"]["vocab"] = {{"a", 0},      {"b", 1},      {"\u2581c", 2},
                                {"<0x0A>", 3}, {"<0xC3>", 4}, {"<0xA9>", 5}};
  document["model"]["merges"] = json::array();
  document["added_tokens"] = {addedToken(6, "</s>"), addedToken(7, "<tool>")};
  for (json &token : document["added_tokens"])
    token["special"] = true;
  return document;
}

static std::vector<std::string> pieces(AnswerText &answer,
                                       std::vector<int32_t> ids) {
  std::vector<std::string> shown;
  for (int32_t id : ids)
    shown.push_back(answer.push(id));
  return shown;
}

using Pieces = std::vector<std::string>;

TEST(AnswerTextTest, FindsASpecialTokenBehindHeldText) {
  auto tokenizer = parse(piecesTokenizer());
  AnswerText answer(*tokenizer, {"\n</s>"}, {});
  EXPECT_EQ(pieces(answer, {0, 3, 6}), (Pieces{"a", "", ""}));
  EXPECT_TRUE(answer.stopped());
  EXPECT_EQ(answer.finish(), "");

  AnswerText longer(*tokenizer, {"\n</s>b"}, {});
  EXPECT_EQ(pieces(longer, {0, 3, 6, 7, 1}), (Pieces{"a", "", "", "", ""}));
  EXPECT_TRUE(longer.stopped());

  AnswerText none(*tokenizer, {"\n</s>b", "</s>\n"}, {});
  EXPECT_EQ(pieces(none, {0, 3, 6, 0}), (Pieces{"a", "", "", "\na"}));
  EXPECT_EQ(pieces(none, {3, 6}), (Pieces{"", ""}));
  EXPECT_EQ(none.finish(), "\n");
  EXPECT_FALSE(none.stopped());
}

// Thoughts stand between tokens that some vocabularies have as special ones.
TEST(AnswerTextTest, ShowsSpecialTokensThatAreText) {
  auto tokenizer = parse(piecesTokenizer());
  AnswerText answer(*tokenizer, {}, {}, {7});
  EXPECT_EQ(pieces(answer, {0, 7, 6, 1}), (Pieces{"a", "<tool>", "", "b"}));
  // Behind text that is not certain yet.
  EXPECT_EQ(pieces(answer, {3, 7, 1}), (Pieces{"", "", "\n<tool>b"}));
  EXPECT_EQ(pieces(answer, {3, 7}), (Pieces{"", ""}));
  EXPECT_EQ(answer.finish(), "\n<tool>");
  // A part of a stop text may be in them.
  AnswerText stopped(*tokenizer, {"ool>b"}, {}, {7});
  EXPECT_EQ(pieces(stopped, {0, 7, 1}), (Pieces{"a", "<t", ""}));
  EXPECT_TRUE(stopped.stopped());
}

TEST(AnswerTextTest, JoinsACharacterOverASpecialToken) {
  auto tokenizer = parse(piecesTokenizer());
  AnswerText answer(*tokenizer, {"never"}, {});
  EXPECT_EQ(pieces(answer, {4, 6, 5, 0}), (Pieces{"", "", "", "\u00e9a"}));
}

TEST(AnswerTextTest, LeavesTheTextOfThePromptOut) {
  auto tokenizer = parse(piecesTokenizer());
  std::vector<int32_t> prompt = {2, 3};
  AnswerText answer(*tokenizer, {"\n"}, prompt);
  EXPECT_EQ(pieces(answer, {2}), (Pieces{" c"}));
  EXPECT_FALSE(answer.stopped());
  // But not a character that the answer completes.
  prompt = {0, 4};
  AnswerText completed(*tokenizer, {}, prompt);
  EXPECT_EQ(pieces(completed, {5, 0}), (Pieces{"", "\u00e9a"}));
}

TEST(EndTokensTest, FindsSpecialTokensByTheirText) {
  json document = piecesTokenizer();
  json file = addedToken(8, "<|file_sep|>"), word = addedToken(9, "<eos>"),
       second = addedToken(10, "<fim_pad>"),
       first = addedToken(11, "<fim-pad>");
  for (json *token : {&file, &second, &first})
    (*token)["special"] = true;
  for (json *token : {&file, &word, &second, &first})
    document["added_tokens"].push_back(*token);
  auto tokenizer = parse(document);
  auto ends = [&](bool infill) {
    std::vector<EndToken> ends = {{0, "config"}};
    appendVocabularyEnds(*tokenizer, infill, ends);
    std::vector<int32_t> ids;
    for (const EndToken &end : ends)
      ids.push_back(end.id);
    return ids;
  };
  EXPECT_EQ(ends(false), (std::vector<int32_t>{0, 6}));
  EXPECT_EQ(ends(true), (std::vector<int32_t>{0, 6, 11, 8}));
}
