//===- JsonSchemaTest.cpp -------------------------------------------------===//

#include "GrammarTestUtils.h"

using namespace marimba::rt;

namespace {

class JsonSchemaTest : public testing::Test {
protected:
  std::shared_ptr<const Grammar> compile(std::string_view schema,
                                         const SchemaOptions &options = {}) {
    std::string problem;
    auto grammar = Grammar::fromJsonSchema(schema, options, "s", problem);
    EXPECT_NE(grammar, nullptr) << schema << ": " << problem;
    EXPECT_EQ(problem, "");
    return grammar;
  }

  static std::string errorOf(std::string_view schema) {
    std::string problem;
    EXPECT_EQ(Grammar::fromJsonSchema(schema, {}, "s", problem), nullptr)
        << schema;
    EXPECT_EQ(problem.find('\n'), std::string::npos) << problem;
    return problem;
  }

  /// Whether `text`, byte by byte, is an answer.
  bool takes(const std::shared_ptr<const Grammar> &grammar,
             std::string_view text) {
    auto constraint = tokens->constrain(grammar, 100000, error);
    if (!constraint)
      return false;
    std::vector<float> logits(
        static_cast<size_t>(words.tokenizer->vocabSize()));
    for (size_t i = 0; i <= text.size(); ++i) {
      int32_t id =
          i < text.size() ? static_cast<unsigned char>(text[i]) : words.end;
      std::fill(logits.begin(), logits.end(), 0.0F);
      constraint->mask(logits);
      if (logits[static_cast<size_t>(id)] != 0)
        return false;
      constraint->accept(id);
    }
    return true;
  }
  bool takes(std::string_view schema, std::string_view text) {
    return takes(compile(schema), text);
  }

  WordTokenizer words;
  std::vector<int32_t> ends = {words.end};
  std::string error;
  std::shared_ptr<GrammarTokens> tokens =
      GrammarTokens::create(*words.tokenizer, ends, error);
};

/// `value` times 100 as a number with two digits behind the point.
std::string hundredths(int value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%s%d.%02d", value < 0 ? "-" : "",
                std::abs(value) / 100, std::abs(value) % 100);
  return buffer;
}

} // namespace

TEST_F(JsonSchemaTest, EveryIntegerBetween) {
  for (auto [least, most] :
       {std::pair(-12, 7), {0, 0}, {9, 101}, {-205, -11}, {95, 1003}}) {
    auto grammar =
        compile(R"({"type": "integer", "minimum": )" + std::to_string(least) +
                R"(, "maximum": )" + std::to_string(most) + "}");
    for (int value = -230; value < 1100; ++value)
      EXPECT_EQ(takes(grammar, std::to_string(value)),
                value >= least && value <= most)
          << value << " in " << least << " to " << most;
    EXPECT_FALSE(takes(grammar, "-0"));
    EXPECT_FALSE(takes(grammar, "007"));
    EXPECT_FALSE(takes(grammar, "1.0"));
  }
}

TEST_F(JsonSchemaTest, EveryNumberBetween) {
  // In hundredths.
  for (auto [least, most] : {std::pair(-125, 75), {5, 1205}, {-310, -95}})
    for (bool isExclusive : {false, true}) {
      std::string prefix = isExclusive ? "exclusiveM" : "m";
      auto grammar = compile(R"({"type": "number", ")" + prefix +
                             R"(inimum": )" + hundredths(least) + R"(, ")" +
                             prefix + R"(aximum": )" + hundredths(most) + "}");
      for (int value = -400; value < 1300; ++value) {
        bool isInside = isExclusive ? value > least && value < most
                                    : value >= least && value <= most;
        EXPECT_EQ(takes(grammar, hundredths(value)), isInside)
            << hundredths(value) << " in " << hundredths(least) << " to "
            << hundredths(most);
      }
      EXPECT_EQ(takes(grammar, hundredths(least) + "00"), !isExclusive);
      EXPECT_TRUE(takes(grammar, hundredths(most - 1) + "99"));
    }
}

TEST_F(JsonSchemaTest, EveryMultiple) {
  auto grammar = compile(
      R"({"type": "integer", "multipleOf": 7, "minimum": -50, "maximum": 150})");
  for (int value = -100; value < 300; ++value)
    EXPECT_EQ(takes(grammar, std::to_string(value)),
              value % 7 == 0 && value >= -50 && value <= 150)
        << value;
}

TEST_F(JsonSchemaTest, NumbersWithoutBounds) {
  auto number = compile(R"({"type": "number"})");
  for (const char *text : {"0", "-0", "12.5", "1e5", "-1.5E-07", "0.001"})
    EXPECT_TRUE(takes(number, text)) << text;
  for (const char *text :
       {"01", ".5", "5.", "1e", "1e999", "+1", "NaN", "1234567890123456"})
    EXPECT_FALSE(takes(number, text)) << text;
  EXPECT_TRUE(takes(R"({"type": "integer", "minimum": 5})", "123456789012345"));
  EXPECT_FALSE(takes(R"({"type": "integer", "minimum": 5})", "4"));
  EXPECT_TRUE(takes(R"({"type": "integer", "maximum": -5})", "-5"));
  EXPECT_TRUE(takes(R"({"type": "number", "maximum": 1e300})", "7"));
}

TEST_F(JsonSchemaTest, Texts) {
  auto text = compile(R"({"type": "string", "minLength": 2, "maxLength": 3})");
  for (const char *good : {R"("ab")", R"("é€𝄞")", R"("\"\\")", R"("\u00e9x")",
                           R"("\uD7ffz")", R"("\n\/")"})
    EXPECT_TRUE(takes(text, good)) << good;
  for (const char *bad : {R"("a")", R"("abcd")", R"("é")", R"("\ud83d\ude00")",
                          "\"a\nb\"", R"("\x41b")", R"("\u12")"})
    EXPECT_FALSE(takes(text, bad)) << bad;
}

TEST_F(JsonSchemaTest, ObjectsAndTheirOrder) {
  auto object = compile(R"({"type": "object", "properties": {
      "z": {"type": "integer"}, "a": {"type": "null"}, "m": {"type": "boolean"}},
      "required": ["a"], "additionalProperties": false})");
  EXPECT_TRUE(takes(object, R"({"z":1,"a":null,"m":true})"));
  EXPECT_TRUE(takes(object, R"({"a": null})"));
  EXPECT_TRUE(takes(object, "{\n  \"a\": null,\n  \"m\": false\n}"));
  EXPECT_FALSE(takes(object, R"({"a":null,"z":1})"));
  EXPECT_FALSE(takes(object, R"({"z":1})"));
  EXPECT_FALSE(takes(object, R"({"a":null,"x":1})"));
  EXPECT_FALSE(takes(object, R"({"a":null,})"));
}

TEST_F(JsonSchemaTest, OtherNames) {
  auto object = compile(R"({"type": "object", "properties": {
      "id": {"type": "integer"}, "idx": {"type": "integer"}},
      "additionalProperties": {"type": "boolean"}})");
  EXPECT_TRUE(takes(object, R"({"id":1,"idx":2})"));
  EXPECT_TRUE(takes(object, R"({"i":true,"idxx":true,"":true,"ié":true})"));
  EXPECT_FALSE(takes(object, R"({"id":true})"));
  EXPECT_FALSE(takes(object, R"({"idx":true})"));
  EXPECT_FALSE(takes(object, R"({"\u0069d":true})"));
  // Without a word about others there are none; without any there are all.
  EXPECT_FALSE(takes(R"({"properties": {"a": {}}})", R"({"b":1})"));
  EXPECT_TRUE(takes(R"({"type": "object"})", R"({"b":[1,{"c":null}]})"));
  EXPECT_TRUE(takes(R"({"type": "object", "required": ["b"]})", R"({"b":1})"));
  EXPECT_FALSE(takes(R"({"type": "object", "required": ["b"]})", R"({"c":1})"));
}

TEST_F(JsonSchemaTest, Patterns) {
  auto takesText = [&](const std::string &pattern, const std::string &text) {
    nlohmann::json schema = {{"type", "string"}, {"pattern", pattern}};
    return takes(schema.dump(), nlohmann::json(text).dump());
  };
  EXPECT_TRUE(takesText("^ab?c$", "ac"));
  EXPECT_FALSE(takesText("^ab?c$", "xac"));
  EXPECT_TRUE(takesText("b", "abc"));
  EXPECT_FALSE(takesText("^[^b]*$", "abc"));
  EXPECT_TRUE(takesText("^(a|bc){2,3}$", "abca"));
  EXPECT_FALSE(takesText("^(a|bc){2,3}$", "bc"));
  EXPECT_TRUE(takesText("^\\d{2}\\.\\w+$", "12.a_9"));
  EXPECT_TRUE(takesText("^\"\\\\\\n$", "\"\\\n"));
  EXPECT_TRUE(takesText("^[\\s\\S]$", "\u20ac"));
  EXPECT_TRUE(takesText("^.$", "\u20ac"));
  EXPECT_FALSE(takesText("^.$", "\n"));
  EXPECT_TRUE(takesText("^\\u{1F600}\\u00e9$", "\U0001F600\u00e9"));
  EXPECT_TRUE(takesText("^(?<year>[0-9]{4})-(?:0[1-9]|1[0-2])$", "2024-12"));
  auto message = [&](const std::string &pattern) {
    return errorOf(nlohmann::json({{"pattern", pattern}}).dump());
  };
  EXPECT_EQ(message("(?=a)b"), "s: #/pattern: has '(?=', which is not "
                               "supported");
  EXPECT_EQ(message("(a)\\1"), "s: #/pattern: has '\\\\1', which is not "
                               "supported");
  EXPECT_EQ(message("\\bword"), "s: #/pattern: has '\\\\b', which is not "
                                "supported");
  EXPECT_EQ(message("a^b"),
            "s: #/pattern: has '^' behind its beginning, supported: at the "
            "beginning of the whole expression or of its alternatives");
  EXPECT_EQ(message("[z-a]"), "s: #/pattern: has a class with a range that is "
                              "none");
  EXPECT_EQ(message("(a"), "s: #/pattern: lacks ')'");
  EXPECT_EQ(message("*a"), "s: #/pattern: has '*' behind nothing that it could "
                           "repeat");
}

TEST_F(JsonSchemaTest, Dates) {
  auto date = compile(R"({"type": "string", "format": "date"})");
  for (const char *good : {"\"2024-02-29\"", "\"2000-02-29\"", "\"1999-12-31\"",
                           "\"0001-01-01\"", "\"2023-04-30\""})
    EXPECT_TRUE(takes(date, good)) << good;
  for (const char *bad : {"\"2023-02-29\"", "\"1900-02-29\"", "\"2023-04-31\"",
                          "\"0000-01-01\"", "\"2023-13-01\"", "\"2023-1-01\""})
    EXPECT_FALSE(takes(date, bad)) << bad;
}

TEST_F(JsonSchemaTest, Unions) {
  const char *any = R"({"anyOf": [{"type": "integer"}, {"enum": ["a", "b"]}]})";
  EXPECT_TRUE(takes(any, "12"));
  EXPECT_TRUE(takes(any, "\"b\""));
  EXPECT_FALSE(takes(any, "\"c\""));
  // What both say counts.
  const char *both = R"({"type": ["integer", "string"], "minimum": 3,
      "allOf": [{"type": "number", "maximum": 5}]})";
  EXPECT_TRUE(takes(both, "4"));
  EXPECT_FALSE(takes(both, "2"));
  EXPECT_FALSE(takes(both, "\"x\""));
  const char *closed = R"({"allOf": [
      {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
      {"properties": {"a": {"minimum": 5}}, "additionalProperties": false}]})";
  EXPECT_TRUE(takes(closed, R"({"a":5})"));
  EXPECT_FALSE(takes(closed, R"({"a":4})"));
  const char *one = R"({"oneOf": [
      {"properties": {"t": {"const": "x"}, "n": {"type": "integer"}},
       "required": ["t", "n"]},
      {"properties": {"t": {"const": "y"}}, "required": ["t"]}]})";
  EXPECT_TRUE(takes(one, R"({"t":"x","n":1})"));
  EXPECT_TRUE(takes(one, R"({"t":"y"})"));
  EXPECT_FALSE(takes(one, R"({"t":"x"})"));
}

TEST_F(JsonSchemaTest, DepthIsBounded) {
  SchemaOptions options;
  options.maxDepth = 2;
  auto any = compile("{}", options);
  EXPECT_TRUE(takes(any, "[[1]]"));
  EXPECT_FALSE(takes(any, "[[["));
  auto tree = compile(R"({"type": "array", "items": {"$ref": "#"}})", options);
  EXPECT_TRUE(takes(tree, "[[[]]]"));
  EXPECT_FALSE(takes(tree, "[[[["));
  options.maxItems = 2;
  options.maxStringLength = 3;
  EXPECT_FALSE(takes(compile("{}", options), "[1,2,3]"));
  EXPECT_FALSE(takes(compile("{}", options), "\"abcd\""));
  // What a schema spells out is not counted.
  std::string deep = "true", text = "1";
  for (int i = 0; i < 10; ++i) {
    deep = R"({"type": "array", "minItems": 1, "items": )" + deep + "}";
    text = "[" + text + "]";
  }
  EXPECT_TRUE(takes(compile(deep, options), text));
}

TEST_F(JsonSchemaTest, Refusals) {
  EXPECT_EQ(errorOf("{"), "s: not valid JSON: [1:1, byte=1]: syntax error "
                          "while parsing object key - unexpected end of input; "
                          "expected string literal");
  EXPECT_EQ(errorOf("3"),
            "s: #: is 3, expected a schema: an object or a boolean");
  EXPECT_EQ(errorOf(R"({"properties": {"a": {"not": {}}}})"),
            "s: #/properties/a/not: is not supported");
  EXPECT_EQ(errorOf(R"({"type": "text"})"),
            "s: #/type: is \"text\", expected null, boolean, integer, number, "
            "string, array or object, or a list of these");
  EXPECT_EQ(errorOf(R"({"items": [{}]})"),
            "s: #/items: is [{}], expected a schema, an object or a boolean "
            "(of draft 2020-12: lists are prefixItems)");
  EXPECT_EQ(errorOf(R"({"minLength": -1})"),
            "s: #/minLength: is -1, expected an integer that is not negative");
  EXPECT_EQ(errorOf(R"({"multipleOf": 0.01})"),
            "s: #/multipleOf: is 0.01, supported: integers from 1 to 1000");
  EXPECT_EQ(errorOf(R"({"format": "regex"})"),
            "s: #/format: is 'regex', supported: date, time, date-time, "
            "duration, email, hostname, ipv4, ipv6, uuid, uri");
  EXPECT_EQ(errorOf(R"({"$ref": "other.json"})"),
            "s: #/$ref: is 'other.json', supported: paths inside the schema, "
            "as '#/$defs/NAME'");
  EXPECT_EQ(errorOf(R"({"$ref": "#/$defs/a"})"),
            "s: #/$ref: is '#/$defs/a', but the schema has nothing there");
  EXPECT_EQ(errorOf(R"({"type": "array", "uniqueItems": true})"),
            "s: #/uniqueItems: is supported for at most one element, and for "
            "items that are an enum of at most 8 values");
  EXPECT_EQ(errorOf(R"({"oneOf": [{"type": "integer"}, {"type": "number"}]})"),
            "s: #/oneOf: has parts 0 and 1 that one answer may fit both, "
            "supported: parts told apart by type, constant or a required name "
            "(or anyOf)");
  EXPECT_EQ(errorOf(R"({"enum": ["a"], "pattern": "b"})"),
            "s: #/pattern: is not supported beside enum or const");
  EXPECT_EQ(errorOf(R"({"pattern": "a", "allOf": [{"pattern": "b"}]})"),
            "s: #/allOf/0/pattern: is not supported together with another "
            "pattern for the same value");
  EXPECT_EQ(errorOf(R"({"type": "object", "minProperties": 3,
                        "additionalProperties": true})"),
            "s: #/minProperties: is 3, but the schema names 0 properties, and "
            "of others only one is sure to differ from the rest");
  EXPECT_EQ(errorOf(R"({"minimum": 1e30})"),
            "s: #: has numbers above 1000000000000000019884624838656, "
            "supported: of at most 15 digits");
  EXPECT_NE(errorOf(R"({"$ref": "#"})").find("refers to itself"),
            std::string::npos);
  // Notes are no rules.
  EXPECT_TRUE(takes(R"({"type": "null", "title": "x", "x-own": 1})", "null"));
}

TEST_F(JsonSchemaTest, NothingFits) {
  auto grammar =
      compile(R"({"type": "string", "minLength": 3, "maxLength": 2})");
  EXPECT_EQ(tokens->constrain(grammar, 100, error), nullptr);
  EXPECT_EQ(error, "the grammar has no answer that the model's vocabulary can "
                   "write byte by byte");
}

TEST_F(JsonSchemaTest, GrammarsAreKept) {
  auto first = tokens->schema(R"({"type": "null"})", {}, error);
  EXPECT_EQ(tokens->schema(R"({"type": "null"})", {}, error), first);
  EXPECT_NE(tokens->schema(R"({"type": "null"})", {.maxDepth = 3}, error),
            first);
  EXPECT_EQ(tokens->anyObject({}, error), tokens->anyObject({}, error));
  EXPECT_EQ(tokens->gbnf("root ::= x", error), nullptr);
  EXPECT_EQ(error, "grammar:1: rule 'x' is used, but not defined");
}

TEST(GrammarTokensTest, SpecialTokensAndTheirText) {
  // Byte for byte what tokens decode to, for every kind of tokenizer.
  std::string error;
  for (const char *name : {"stories", "bytelevel", "sp-prepend"}) {
    auto tokenizer = parse(readGolden(name)["tokenizer"]);
    // A letter first: some decoders strip a space there.
    std::vector<int32_t> letter = tokenizer->encode("x", false);
    std::string before = tokenizer->decode(letter);
    for (int32_t id = 0; id < tokenizer->vocabSize(); ++id) {
      std::string bytes = tokenizer->tokenBytes(id);
      if (tokenizer->isSpecial(id) || !isUtf8(bytes))
        continue;
      std::vector<int32_t> ids = letter;
      ids.push_back(id);
      EXPECT_EQ(tokenizer->decode(ids), before + bytes) << name << " " << id;
    }
  }
  WordTokenizer words;
  EXPECT_EQ(GrammarTokens::create(*words.tokenizer, {}, error), nullptr);
  EXPECT_EQ(error,
            "no token of the model ends an answer, so none can be constrained");
}
