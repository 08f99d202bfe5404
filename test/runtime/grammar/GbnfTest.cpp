//===- GbnfTest.cpp -------------------------------------------------------===//

#include "GrammarTestUtils.h"

using namespace marimba::rt;

namespace {

/// Of single bytes.
class GbnfTest : public testing::Test {
protected:
  std::shared_ptr<const Grammar> parse(std::string_view gbnf) {
    std::string error;
    auto grammar = Grammar::parse(gbnf, "g", error);
    EXPECT_NE(grammar, nullptr) << gbnf << ": " << error;
    EXPECT_EQ(error, "");
    return grammar;
  }

  static std::string errorOf(std::string_view gbnf) {
    std::string error;
    EXPECT_EQ(Grammar::parse(gbnf, "g", error), nullptr) << gbnf;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    return error;
  }

  std::unique_ptr<TokenConstraint> constrain(std::string_view gbnf,
                                             int64_t maxTokens = 1000) {
    std::string error;
    auto constraint = tokens->constrain(parse(gbnf), maxTokens, error);
    EXPECT_NE(constraint, nullptr) << gbnf << ": " << error;
    return constraint;
  }

  bool allows(TokenConstraint &constraint, int32_t id) {
    std::vector<float> logits(
        static_cast<size_t>(words.tokenizer->vocabSize()));
    constraint.mask(logits);
    return logits[static_cast<size_t>(id)] == 0;
  }

  /// Whether `text`, byte by byte, is an answer of `gbnf`.
  bool takes(std::string_view gbnf, std::string_view text) {
    auto constraint = constrain(gbnf);
    for (char byte : text) {
      auto id = static_cast<int32_t>(static_cast<unsigned char>(byte));
      if (!allows(*constraint, id))
        return false;
      constraint->accept(id);
    }
    return allows(*constraint, words.end);
  }

  WordTokenizer words;
  std::vector<int32_t> ends = {words.end};
  std::string error;
  std::shared_ptr<GrammarTokens> tokens =
      GrammarTokens::create(*words.tokenizer, ends, error);
};

} // namespace

TEST_F(GbnfTest, Literals) {
  EXPECT_TRUE(takes("root ::= \"abc\"", "abc"));
  EXPECT_FALSE(takes("root ::= \"abc\"", "ab"));
  EXPECT_FALSE(takes("root ::= \"abc\"", "abcd"));
  EXPECT_TRUE(takes("root ::= \"\"", ""));
  EXPECT_TRUE(takes(R"(root ::= "\x41\u00e9\U0001F600\t\n\r\\\"")",
                    "A\u00e9\U0001F600\t\n\r\\\""));
  EXPECT_TRUE(takes("root ::= \"\u00e9\"", "\u00e9"));
}

TEST_F(GbnfTest, Classes) {
  EXPECT_TRUE(takes("root ::= [a-c]+", "abcabc"));
  EXPECT_FALSE(takes("root ::= [a-c]+", "abd"));
  EXPECT_TRUE(takes("root ::= [^a-c]", "d"));
  EXPECT_TRUE(takes("root ::= [^a-c]", "\u20ac"));
  EXPECT_FALSE(takes("root ::= [^a-c]", "b"));
  EXPECT_TRUE(takes(R"(root ::= [\]\[\\\-x]+)", "][\\-x"));
  EXPECT_TRUE(takes("root ::= [a-]+", "a-a"));
  EXPECT_TRUE(takes("root ::= [\u3041-\u309f]", "\u3042"));
  EXPECT_FALSE(takes("root ::= [\u3041-\u309f]", "\u30a2"));
  EXPECT_TRUE(takes("root ::= .", "\n"));
  EXPECT_TRUE(takes("root ::= .", "\U0010FFFF"));
  // No surrogates, nothing too long, nothing half.
  for (const char *text :
       {"\xED\xA0\x80", "\xC0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80"})
    EXPECT_FALSE(takes("root ::= .", text));
}

TEST_F(GbnfTest, EveryRangeOfCharacters) {
  // Around the points where the length of UTF-8 changes.
  auto utf8 = [](char32_t point) {
    std::string text;
    auto add = [&](char32_t byte) { text += static_cast<char>(byte); };
    if (point < 0x80)
      add(point);
    else if (point < 0x800)
      add(0xC0 | point >> 6), add(0x80 | (point & 63));
    else if (point < 0x10000)
      add(0xE0 | point >> 12), add(0x80 | (point >> 6 & 63)),
          add(0x80 | (point & 63));
    else
      add(0xF0 | point >> 18), add(0x80 | (point >> 12 & 63)),
          add(0x80 | (point >> 6 & 63)), add(0x80 | (point & 63));
    return text;
  };
  std::vector<char32_t> points = {0,       1,        0x7F,    0x80,    0xBF,
                                  0xC0,    0x7FF,    0x800,   0xFFF,   0x1000,
                                  0xD7FF,  0xE000,   0xFFFF,  0x10000, 0x3FFFF,
                                  0x40000, 0x10FFFE, 0x10FFFF};
  for (char32_t first : points)
    for (char32_t last : points) {
      if (first > last)
        continue;
      char buffer[64];
      std::snprintf(buffer, sizeof buffer, "root ::= [\\U%08X-\\U%08X]",
                    unsigned(first), unsigned(last));
      auto grammar = parse(buffer);
      for (char32_t point : points) {
        auto constraint = tokens->constrain(grammar, 100, error);
        bool fits = true;
        for (char byte : utf8(point)) {
          fits = fits && allows(*constraint, static_cast<unsigned char>(byte));
          constraint->accept(static_cast<unsigned char>(byte));
        }
        EXPECT_EQ(fits, point >= first && point <= last)
            << buffer << " " << unsigned(point);
      }
    }
}

TEST_F(GbnfTest, Repetition) {
  EXPECT_TRUE(takes("root ::= \"ab\"*", ""));
  EXPECT_TRUE(takes("root ::= \"ab\"*", "abab"));
  EXPECT_FALSE(takes("root ::= \"ab\"*", "aba"));
  EXPECT_FALSE(takes("root ::= \"ab\"+", ""));
  EXPECT_TRUE(takes("root ::= \"a\"? \"b\"", "b"));
  for (int count = 0; count < 7; ++count) {
    std::string text(static_cast<size_t>(count), 'a');
    EXPECT_EQ(takes("root ::= \"a\"{3}", text), count == 3);
    EXPECT_EQ(takes("root ::= \"a\"{3,}", text), count >= 3);
    EXPECT_EQ(takes("root ::= \"a\"{2,4}", text), count >= 2 && count <= 4);
    EXPECT_EQ(takes("root ::= \"a\"{,2}", text), count <= 2);
    EXPECT_EQ(takes("root ::= (\"a\"?){3}", text), count <= 3);
    EXPECT_EQ(takes("root ::= (\"a\"*)*", text), true);
    EXPECT_EQ(takes("root ::= (\"a\"* \"b\"?){2,3} \"c\"", text + "c"), true);
    EXPECT_EQ(takes("root ::= (\"aa\" | \"aaa\"){2}", text),
              count >= 4 && count <= 6);
  }
}

TEST_F(GbnfTest, Recursion) {
  const char *brackets = "root ::= \"(\" root? \")\"";
  EXPECT_TRUE(takes(brackets, "((()))"));
  EXPECT_FALSE(takes(brackets, "(()))"));
  const char *sum = "root ::= term (\"+\" term)*\n"
                    "term ::= [0-9]+ | \"(\" root \")\"\n";
  EXPECT_TRUE(takes(sum, "1+(22+3)+4"));
  EXPECT_FALSE(takes(sum, "1+(22+3"));
  // What follows an ambiguous beginning.
  const char *same = "root ::= a \"x\" | b \"y\"\na ::= \"c\" a?\nb ::= \"c\" "
                     "b?\n";
  EXPECT_TRUE(takes(same, "cccx"));
  EXPECT_TRUE(takes(same, "cccy"));
}

TEST_F(GbnfTest, Layout) {
  EXPECT_TRUE(takes("# a list\nroot ::= ( # of\n  \"a\" |\n  b\n)+ # these\n\n"
                    "b ::=\n  \"b\" |\n  \"c\"\r\n",
                    "abc"));
  EXPECT_TRUE(takes("root ::= a_1 B-2\na_1 ::= \"a\"\nB-2 ::= \"b\"", "ab"));
}

TEST_F(GbnfTest, Tokens) {
  auto constraint = constrain("root ::= \"a\" <call> \"b\"");
  constraint->accept('a');
  EXPECT_TRUE(allows(*constraint, words.call));
  EXPECT_FALSE(allows(*constraint, '<'));
  EXPECT_FALSE(allows(*constraint, words.end));
  constraint->accept(words.call);
  EXPECT_FALSE(allows(*constraint, words.call));
  EXPECT_TRUE(allows(*constraint, 'b'));

  constraint = constrain("root ::= (!<[97]>)* <[97]>");
  constraint->accept('b');
  EXPECT_TRUE(allows(*constraint, 'a'));
  EXPECT_TRUE(allows(*constraint, 'c'));
  EXPECT_FALSE(allows(*constraint, words.end));
  constraint->accept('a');
  EXPECT_FALSE(allows(*constraint, 'c'));
  EXPECT_TRUE(allows(*constraint, words.end));

  EXPECT_EQ(tokens->constrain(parse("root ::= <nothing>"), 10, error), nullptr);
  EXPECT_EQ(error, "the vocabulary has no token '<nothing>', which the grammar "
                   "names");
}

TEST_F(GbnfTest, Refusals) {
  EXPECT_EQ(errorOf(""), "g:1: has no rule 'root'");
  EXPECT_EQ(errorOf("a ::= \"x\""), "g:1: has no rule 'root'");
  EXPECT_EQ(errorOf("\nroot ::= a\n"),
            "g:2: rule 'a' is used, but not defined");
  EXPECT_EQ(errorOf("root ::= \"x"),
            "g:1: found the end of the text, expected '\"' at the end of a "
            "literal");
  EXPECT_EQ(errorOf("root ::= [a"),
            "g:1: found the end of the text, expected ']' at the end of a "
            "class");
  EXPECT_EQ(errorOf("root ::= [b-a]"),
            "g:1: has a class whose range ends before it begins");
  EXPECT_EQ(errorOf("root ::= (\"a\""),
            "g:1: found the end of the text, expected ')'");
  EXPECT_EQ(errorOf("root ::= \"a\" )"),
            "g:1: found ')', expected the end of the line");
  EXPECT_EQ(errorOf("root = \"a\""),
            "g:1: found '= \\22a\\22', expected ::= behind the name of a rule");
  EXPECT_EQ(errorOf("root ::= \"a\"{3,2}"),
            "g:1: has a repetition {3,2} that ends before it begins");
  EXPECT_EQ(errorOf("root ::= \"a\"{99999999}"),
            "g:1: repeats more than 16777216 times");
  EXPECT_EQ(errorOf("root ::= \"\\q\""),
            "g:1: found 'q' behind '\\', expected one of x u U t r n \\ \" [ ] "
            "- ^");
  EXPECT_EQ(errorOf("root ::= \"\\ud800\""),
            "g:1: has an escape of no Unicode character");
  EXPECT_EQ(errorOf("root ::= \"a\"\nroot ::= \"b\""),
            "g:2: rule 'root' is defined twice");
  EXPECT_EQ(errorOf("root ::= root \"a\" | \"b\""),
            "g: rule 'root' begins with itself, supported: recursion behind "
            "something that is not empty");
  EXPECT_EQ(errorOf("root ::= b? c\nc ::= root\nb ::= \"b\""),
            "g: rule 'root' begins with itself, supported: recursion behind "
            "something that is not empty");
  std::string deep =
      "root ::= " + std::string(101, '(') + "\"a\"" + std::string(101, ')');
  EXPECT_EQ(errorOf(deep), "g:1: nests deeper than 100 brackets");
  EXPECT_EQ(errorOf(std::string((1 << 20) + 1, ' ')),
            "g: has 1048577 bytes, supported: 1048576");
}

TEST_F(GbnfTest, WithoutAnEnd) {
  EXPECT_EQ(tokens->constrain(parse("root ::= \"a\" root"), 10, error),
            nullptr);
  EXPECT_EQ(error, "the grammar has no answer that the model's vocabulary can "
                   "write byte by byte");
  // The way without an end is never taken.
  auto constraint = constrain("root ::= \"a\" b | \"c\"\nb ::= \"b\" b");
  EXPECT_FALSE(allows(*constraint, 'a'));
  EXPECT_TRUE(allows(*constraint, 'c'));
}

TEST_F(GbnfTest, Budget) {
  auto grammar = parse("root ::= \"abc\" root? \"d\"");
  EXPECT_EQ(tokens->constrain(grammar, 4, error), nullptr);
  EXPECT_EQ(error, "the answer may have 4 tokens, but the shortest that fits "
                   "may take 5");
  for (int64_t most = 5; most < 40; ++most)
    for (uint64_t seed = 0; seed < 10; ++seed) {
      auto constraint = tokens->constrain(grammar, most, error);
      ASSERT_NE(constraint, nullptr) << error;
      Answer result = answer(*words.tokenizer, *constraint, ends, most, seed);
      EXPECT_TRUE(result.ends) << result.text;
    }
}

TEST_F(GbnfTest, CountsBeyondTheLongestToken) {
  // Tokens of two bytes: the counts of masks end at two.
  WordTokenizer pairs({"aa", "ab", "bb"});
  std::vector<int32_t> end = {pairs.end};
  auto shared = GrammarTokens::create(*pairs.tokenizer, end, error);
  auto grammar = parse("root ::= \"a\"{100,200} \"b\"{7}");
  for (int64_t most : {108, 110, 150, 300}) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      auto constraint = shared->constrain(grammar, most, error);
      ASSERT_NE(constraint, nullptr) << error;
      Answer result = answer(*pairs.tokenizer, *constraint, end, most, seed);
      EXPECT_TRUE(result.ends) << result.text;
      size_t as = result.text.find('b');
      EXPECT_TRUE(as >= 100 && as <= 200) << result.text;
      EXPECT_EQ(result.text.substr(as), "bbbbbbb");
    }
  }
}

TEST_F(GbnfTest, ManyWaysAtOnce) {
  // More stacks than are kept: those nearest to an end stay.
  auto constraint = constrain("root ::= s+ \"!\"\n"
                              "s ::= \"a\" s | \"a\" s \"b\" | \"a\" s \"c\" | "
                              "\"a\" (s \"d\")? \"e\"?",
                              200);
  Answer result = answer(*words.tokenizer, *constraint, ends, 200, 1);
  EXPECT_TRUE(result.ends) << result.text;
}

TEST_F(GbnfTest, AfterTheEndOnlyTheEndStays) {
  auto constraint = constrain("root ::= \"a\"");
  constraint->accept('a');
  constraint->accept(words.end);
  std::vector<float> logits(300, 0.0F);
  constraint->mask(logits);
  for (size_t id = 0; id < logits.size(); ++id)
    EXPECT_EQ(logits[id] == 0, static_cast<int32_t>(id) == words.end);
}

TEST_F(GbnfTest, AModelThatGivesNoneAChance) {
  auto constraint = constrain("root ::= \"a\"");
  std::vector<float> logits(300, -INFINITY);
  constraint->mask(logits);
  for (size_t id = 0; id < logits.size(); ++id)
    EXPECT_EQ(logits[id], id == 'a' ? 0 : -INFINITY);
}

TEST_F(GbnfTest, TextUntilAMark) {
  GrammarParts parts{.gbnf = "root ::= thoughts \"\\n\" answer",
                     .schemas = {{"answer", R"({"type": "boolean"})"}},
                     .texts = {{"thoughts", "</think>"}}};
  auto grammar = Grammar::fromParts(parts, "g", error);
  ASSERT_NE(grammar, nullptr) << error;
  auto fits = [&](std::string_view text) {
    auto constraint = tokens->constrain(grammar, 1000, error);
    for (char byte : text) {
      if (!allows(*constraint, static_cast<unsigned char>(byte)))
        return false;
      constraint->accept(static_cast<unsigned char>(byte));
    }
    return allows(*constraint, words.end);
  };
  EXPECT_TRUE(fits("</think>\ntrue"));
  EXPECT_TRUE(fits("A \u20ac <<//think></<</think>\nfalse"));
  EXPECT_FALSE(fits("a </think> b"));
  EXPECT_FALSE(fits("a</think>"));
  EXPECT_FALSE(fits("\x80</think>\ntrue"));
  parts.texts.emplace_back("answer", "x");
  EXPECT_EQ(Grammar::fromParts(parts, "g", error), nullptr);
  EXPECT_EQ(error, "rule 'answer' is defined twice");
  parts.texts.back() = {"rest", ""};
  EXPECT_EQ(Grammar::fromParts(parts, "g", error), nullptr);
  EXPECT_EQ(error,
            "rule 'rest' ends with a text of 0 bytes, allowed: 1 to 256");
}

/// A grammar is built once for all requests that ask for the same.
TEST_F(GbnfTest, GrammarsAreKept) {
  auto callOf = [](std::string schema) {
    return GrammarParts{.gbnf = "root ::= \"f(\" arguments \")\"",
                        .schemas = {{"arguments", std::move(schema)}}};
  };
  const GrammarParts call = callOf(R"({"type": "object"})");
  auto kept = tokens->fromParts(call, "tools", error);
  ASSERT_NE(kept, nullptr) << error;
  EXPECT_EQ(tokens->fromParts(call, "tools", error), kept);
  // Whatever differs makes another one.
  GrammarParts other = call;
  other.gbnf = "root ::= \"g(\" arguments \")\"";
  EXPECT_NE(tokens->fromParts(other, "tools", error), kept);
  other = call;
  other.options.maxDepth = 2;
  EXPECT_NE(tokens->fromParts(other, "tools", error), kept);
  EXPECT_NE(tokens->fromParts(callOf(R"({"type": "array"})"), "tools", error),
            kept);
  auto schema = tokens->schema(R"({"type": "object"})", {}, error);
  EXPECT_EQ(tokens->schema(R"({"type": "object"})", {}, error), schema);
  EXPECT_NE(schema, tokens->gbnf("root ::= \"a\"", error));
  EXPECT_EQ(tokens->anyObject({}, error), tokens->anyObject({}, error));
  // What failed is not kept, and the message names who asked.
  EXPECT_EQ(tokens->fromParts({.gbnf = "root ::= x"}, "tools", error), nullptr);
  EXPECT_TRUE(error.starts_with("tools")) << error;
  EXPECT_EQ(tokens->fromParts({.gbnf = "root ::= x"}, "form", error), nullptr);
  EXPECT_TRUE(error.starts_with("form")) << error;
  // The 64 that were used last stay.
  for (int i = 0; i < 63; ++i)
    tokens->gbnf("root ::= \"" + std::to_string(i) + "\"", error);
  EXPECT_NE(tokens->fromParts(call, "tools", error), kept);
}

TEST_F(GbnfTest, AnyObject) {
  auto grammar = Grammar::anyObject({.maxDepth = 3}, error);
  ASSERT_NE(grammar, nullptr) << error;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    auto constraint = tokens->constrain(grammar, 300, error);
    Answer result = answer(*words.tokenizer, *constraint, ends, 300, seed);
    EXPECT_TRUE(result.ends) << result.text;
    EXPECT_TRUE(nlohmann::json::parse(result.text, nullptr, false).is_object())
        << result.text;
  }
  EXPECT_EQ(Grammar::anyObject({.maxDepth = 0}, error), nullptr);
  EXPECT_EQ(error, "maxDepth is 0, allowed: 1 to 64");
}
