//===- MaskTest.cpp - Masks beside single bytes ---------------------------===//

#include "GrammarTestUtils.h"

namespace marimba::rt {
namespace {

/// Words around the lengths that texts may have, of characters of 1 to 4 bytes,
/// whole and cut, with and without what ends a text.
std::vector<std::string> wordsOfAllKinds() {
  std::vector<std::string> words;
  for (std::string character : {"a", "A", "7", " ", "\xC3\xA9", "\xE2\x82\xAC",
                                "\xF0\x9F\x98\x80", "\\n", "\\u00e9"}) {
    std::string word;
    for (int length = 1; length <= 20; ++length) {
      word += character;
      words.insert(words.end(),
                   {word, word + "b", word + "c7", word + "A7", word + "@a",
                    word + "\"", word + "\",", word + "\xE2", word + "\xF0\x9F",
                    "\"" + word, "\xA9" + word, word + "\n", word + "\x7F"});
    }
  }
  return words;
}

class MaskTest : public testing::Test {
protected:
  MaskTest() {
    tokens = GrammarTokens::create(*words.tokenizer, {&words.end, 1}, error);
  }

  std::unique_ptr<TokenConstraint>
  constrain(const std::shared_ptr<const Grammar> &grammar, int64_t most) {
    return tokens->constrain(grammar, most, error);
  }

  std::vector<float> mask(TokenConstraint &constraint) const {
    std::vector<float> logits(
        static_cast<size_t>(words.tokenizer->vocabSize()));
    constraint.mask(logits);
    return logits;
  }
  static bool allows(const std::vector<float> &logits, int32_t id) {
    return !std::isinf(logits[static_cast<size_t>(id)]);
  }

  /// Behind `text`: each token is allowed where its bytes are, one by one.
  /// Returns how many are.
  size_t compare(const std::shared_ptr<const Grammar> &grammar,
                 const std::string &text, const std::string &name) {
    auto at = [&](const std::string &bytes) {
      auto constraint = constrain(grammar, kMany);
      for (char byte : bytes)
        constraint->accept(static_cast<unsigned char>(byte));
      return constraint;
    };
    std::vector<float> found = mask(*at(text));
    size_t count = 0;
    for (int32_t id = 0; id < words.end; ++id) {
      std::string bytes = words.tokenizer->tokenBytes(id);
      auto single = at(text);
      bool fits = true;
      for (size_t i = 0; fits && i < bytes.size(); ++i) {
        auto byte = static_cast<unsigned char>(bytes[i]);
        fits = allows(mask(*single), byte);
        single->accept(byte);
      }
      EXPECT_EQ(allows(found, id), fits)
          << name << ", behind '" << text << "': token '" << bytes << "'";
      count += fits;
    }
    return count;
  }

  static constexpr int64_t kMany = 100000;
  WordTokenizer words{wordsOfAllKinds()};
  std::string error;
  std::shared_ptr<GrammarTokens> tokens;
};

TEST_F(MaskTest, TextsOfSoManyCharacters) {
  auto schema = [&](const char *text) {
    auto grammar = Grammar::fromJsonSchema(text, {}, "schema", error);
    EXPECT_TRUE(grammar) << error;
    return grammar;
  };
  auto most = schema(R"({"type": "string", "maxLength": 18})");
  auto between =
      schema(R"({"type": "string", "minLength": 3, "maxLength": 5})");
  auto free = schema(R"({"type": "string"})");
  std::string text = "\"";
  size_t before = SIZE_MAX;
  for (int length = 0; length <= 18; length += 3) {
    size_t count = compare(most, text, "at most 18");
    // The less is left, the fewer fit.
    EXPECT_LT(count, before) << length;
    before = count;
    text += length % 2 ? "\xE2\x82\xAC"
                         "aa"
                       : "aa\\n";
  }
  EXPECT_GT(before, 0u);
  for (const char *begin : {"\"", "\"aa", "\"aaaa", "\"aaaaa", "\"aaaa\xE2"})
    EXPECT_GT(compare(between, begin, "3 to 5"), 0u);
  EXPECT_GT(compare(free, "\"a", "any"), before);
}

TEST_F(MaskTest, TextsOfSomeCharacters) {
  // Not every character may follow: what is plain is looked at byte by byte.
  auto grammar = Grammar::parse(
      R"(root ::= [^"\\\x7F\x00-\x1F]{0,4} ("b" | [a]{3,6}) "\"")", "grammar",
      error);
  ASSERT_TRUE(grammar) << error;
  for (const char *begin : {"", "a", "aa", "aaaa", "aaaab"})
    EXPECT_GT(compare(grammar, begin, "some"), 0u);
}

TEST_F(MaskTest, TextsOfPatterns) {
  // Each character may lead elsewhere, and all of them may follow.
  for (const char *schema :
       {R"({"type": "string", "pattern": "^a|b$|c"})",
        R"({"type": "string", "pattern": "[A-Z]{2}\\d", "maxLength": 12})"}) {
    auto grammar = Grammar::fromJsonSchema(schema, {}, "schema", error);
    ASSERT_TRUE(grammar) << error;
    for (const char *begin : {"\"", "\" b", "\" c", "\"aAA7"})
      compare(grammar, begin, schema);
    EXPECT_GT(compare(grammar, "\" A", schema), 100u);
  }
}

TEST_F(MaskTest, TextsOfSomeKinds) {
  // Of what leads back to where it was, all or nothing fits.
  auto grammar = Grammar::parse(
      R"(root ::= [a-z0-9 ]+ "@" ([a-zA-Z]+ [0-9])+ "\n")", "grammar", error);
  ASSERT_TRUE(grammar) << error;
  for (const char *begin : {"", "a", "a@", "a@b", "a@bA7"})
    EXPECT_GT(compare(grammar, begin, "kinds"), 10u);
}

TEST_F(MaskTest, KeepsToTheTokensThatAreLeft) {
  auto grammar = Grammar::parse(
      R"(root ::= [a-z ]+ "@" [a-zA-Z]+ "7" "7" [^\n]{0,9})", "grammar", error);
  ASSERT_TRUE(grammar) << error;
  // From a, the end is 5 tokens away: @, a letter, 7, 7 and the end itself.
  for (int64_t left = 5; left < 9; ++left) {
    std::vector<float> found;
    for (bool isSecond : {false, true}) {
      auto constraint = constrain(grammar, left + 1);
      ASSERT_TRUE(constraint) << error;
      constraint->accept('a');
      std::vector<float> now = mask(*constraint);
      // Masks of other limits were kept meanwhile.
      if (isSecond)
        EXPECT_EQ(now, found) << left;
      found = now;
      mask(*constrain(grammar, kMany));
    }
    EXPECT_TRUE(allows(found, '@')) << left;
    EXPECT_EQ(allows(found, 'a'), left > 5) << left;
    for (int32_t id = 0; id < words.end; ++id) {
      if (!allows(found, id))
        continue;
      // Whatever is chosen, an end is in reach.
      auto constraint = constrain(grammar, left + 1);
      constraint->accept('a');
      constraint->accept(id);
      bool isEnd = false;
      for (int64_t i = 1; i < left && !isEnd; ++i) {
        std::vector<float> next = mask(*constraint);
        isEnd = allows(next, words.end);
        constraint->accept(static_cast<int32_t>(std::ranges::max_element(next) -
                                                next.begin()));
      }
      EXPECT_TRUE(isEnd) << left << ", token '"
                         << words.tokenizer->tokenBytes(id) << "'";
    }
  }
}

} // namespace
} // namespace marimba::rt
