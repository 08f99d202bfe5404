//===- ForcedCallsTest.cpp ------------------------------------------------===//
//
// Calls that must come: grammars of all forms, by models of random numbers,
// read back.
//
//===----------------------------------------------------------------------===//

#include "../TokenizerTestUtils.h"
#include "ToolCallsTestUtils.h"

#include "marimba/AnswerText.h"
#include "marimba/Grammar.h"

#include <algorithm>
#include <random>

using namespace marimba::rt;
using Json = nlohmann::ordered_json;

static std::vector<Tool> boundedTools() {
  return toolsOf(R"([
    {"type": "function", "function": {"name": "weather", "parameters":
      {"type": "object", "properties": {
        "city": {"type": "string"}, "days": {"type": "integer"},
        "unit": {"enum": ["C", "F"]},
        "of": {"type": "array", "items": {"type": "boolean"}, "maxItems": 3},
        "with": {"type": "object", "properties": {"k": {"type": "string"}},
                 "required": ["k"], "additionalProperties": false}},
       "required": ["city", "unit"], "additionalProperties": false}}},
    {"type": "function", "function": {"name": "time", "parameters":
      {"type": "object", "properties": {}, "additionalProperties": false}}}])");
}

/// With an end, and special tokens for marks where `special`.
static std::unique_ptr<Tokenizer> makeTokenizer(const ToolCallForm &form,
                                                bool special) {
  nlohmann::json document = readGolden("stories")["tokenizer"];
  int32_t id = 60000;
  for (std::string_view mark : form.marks) {
    nlohmann::json token = addedToken(id++, std::string(mark));
    token["special"] = true;
    if (special)
      document["added_tokens"].push_back(token);
  }
  return parse(document);
}

static std::shared_ptr<const Grammar> build(const CallGrammar &calls) {
  GrammarParts parts{.gbnf = calls.gbnf, .texts = calls.texts};
  for (const auto &[rule, schema] : calls.schemas)
    parts.schemas.emplace_back(rule, schema.dump());
  std::string error;
  auto grammar = Grammar::fromParts(parts, "tools", error);
  EXPECT_TRUE(grammar) << error << "\n" << calls.gbnf;
  return grammar;
}

static void checkArguments(const AnswerMessage::Call &call) {
  Json arguments = Json::parse(call.arguments);
  ASSERT_TRUE(arguments.is_object());
  if (call.name == "time") {
    EXPECT_TRUE(arguments.empty());
    return;
  }
  ASSERT_EQ(call.name, "weather");
  EXPECT_TRUE(arguments["city"].is_string()) << call.arguments;
  EXPECT_TRUE(arguments["unit"] == "C" || arguments["unit"] == "F")
      << call.arguments;
  for (const auto &[name, value] : arguments.items()) {
    if (name == "days")
      EXPECT_TRUE(value.is_number()) << call.arguments;
    else if (name == "of")
      EXPECT_TRUE(value.is_array() &&
                  std::ranges::all_of(
                      value, [](const Json &one) { return one.is_boolean(); }))
          << call.arguments;
    else if (name == "with")
      EXPECT_TRUE(value.is_object() && value.size() == 1 &&
                  value["k"].is_string())
          << call.arguments;
    else
      EXPECT_TRUE(name == "city" || name == "unit") << call.arguments;
  }
}

/// The answer of a model that knows nothing.
static AnswerMessage answer(const Tokenizer &tokenizer,
                            const AnswerParts::Options &options,
                            const std::vector<int32_t> &spoken, int32_t endId,
                            TokenConstraint &constraint, std::mt19937 &random,
                            std::string &shown) {
  AnswerText text(tokenizer, {}, {}, spoken);
  AnswerParts parts(options);
  AnswerMessage message;
  std::vector<AnswerEvent> events;
  std::vector<float> logits(static_cast<size_t>(tokenizer.vocabSize()));
  std::normal_distribution<float> any(0, 3);
  for (int made = 0;; ++made) {
    EXPECT_LT(made, 400) << shown;
    if (made == 400)
      break;
    for (float &logit : logits)
      logit = any(random);
    constraint.mask(logits);
    auto id =
        static_cast<int32_t>(std::ranges::max_element(logits) - logits.begin());
    constraint.accept(id);
    if (id == endId)
      break;
    std::string piece = text.push(id);
    shown += piece;
    parts.push(piece, events);
  }
  std::string rest = text.finish();
  shown += rest;
  parts.push(rest, events);
  parts.finish(events);
  for (const AnswerEvent &event : events)
    message.add(event);
  return message;
}

static void checkForm(const ToolCallForm &form, bool special,
                      const ToolChoice &choice, bool thinks) {
  SCOPED_TRACE(form.name);
  std::vector<Tool> tools = boundedTools();
  auto tokenizer = makeTokenizer(form, special);
  int32_t endId = *tokenizer->tokenToId("<|endoftext|>");
  std::vector<int32_t> spoken;
  CallGrammarOptions options;
  for (std::string_view mark : form.marks)
    if (std::optional<int32_t> id = tokenizer->tokenToId(mark)) {
      spoken.push_back(*id);
      options.tokens.emplace_back(mark);
    }
  if (thinks)
    options.thoughtsEnd = "</think>";
  auto grammar = build(forcedCallGrammar(form, tools, choice, options));
  ASSERT_TRUE(grammar);
  std::string error;
  auto masks = GrammarTokens::create(*tokenizer, {&endId, 1}, error);
  ASSERT_TRUE(masks) << error;
  std::mt19937 random(static_cast<unsigned>(form.name.size()) + special);
  for (int i = 0; i < 4; ++i) {
    auto constraint = masks->constrain(grammar, 400, error);
    ASSERT_TRUE(constraint) << error;
    std::string shown;
    AnswerMessage message = answer(
        *tokenizer, {.form = &form, .tools = tools, .begunThoughts = thinks},
        spoken, endId, *constraint, random, shown);
    EXPECT_EQ(message.text, "") << shown;
    ASSERT_FALSE(message.calls.empty()) << shown;
    for (const AnswerMessage::Call &call : message.calls) {
      EXPECT_TRUE(call.whole) << shown;
      if (call.whole)
        checkArguments(call);
      if (choice.kind == ToolChoice::Kind::Named)
        EXPECT_EQ(call.name, choice.name);
    }
    if (choice.kind == ToolChoice::Kind::Named)
      EXPECT_EQ(message.calls.size(), 1u) << shown;
  }
}

TEST(ForcedCallsTest, AreReadBack) {
  for (const ToolCallForm *form : toolCallForms())
    for (bool special : {false, true})
      checkForm(*form, special, {ToolChoice::Kind::Required}, false);
}

TEST(ForcedCallsTest, AreOfTheNamedFunction) {
  for (const ToolCallForm *form : toolCallForms())
    for (const char *name : {"weather", "time"})
      checkForm(*form, false, {ToolChoice::Kind::Named, name}, false);
}

TEST(ForcedCallsTest, FollowThoughts) {
  for (const ToolCallForm *form : toolCallForms())
    checkForm(*form, false, {ToolChoice::Kind::Required}, true);
}
