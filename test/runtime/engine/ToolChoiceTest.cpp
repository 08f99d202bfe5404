//===- ToolChoiceTest.cpp -------------------------------------------------===//
//
// Tools of requests, and calls that are forced.
//
//===----------------------------------------------------------------------===//

#include "ToolCallsTestUtils.h"

using namespace marimba::rt;
using Json = nlohmann::ordered_json;

TEST(ToolChoiceTest, ChecksTools) {
  auto problem = [](const char *tools) {
    std::vector<Tool> result;
    std::string error;
    EXPECT_FALSE(readTools(Json::parse(tools), result, error)) << tools;
    return error;
  };
  EXPECT_EQ(problem("3"), "tools is 3, expected a list");
  EXPECT_EQ(problem("[1]"), "tools[0] is 1, expected an object");
  EXPECT_EQ(problem(R"([{"type": "retrieval"}])"),
            "tools[0].type is \"retrieval\", expected \"function\"");
  EXPECT_EQ(problem(R"([{"type": "function", "function": {}}])"),
            "tools[0].function has no name");
  EXPECT_EQ(problem(R"([{"type": "function", "function": 1}])"),
            "tools[0].function is 1, expected an object");
  EXPECT_EQ(problem(R"([{"name": "a b"}])"),
            "tools[0].name is \"a b\", expected letters, digits and '_', '-', "
            "'.', ':', '/'");
  EXPECT_EQ(problem(R"([{"name": "a"}, {"name": "a"}])"),
            "tools[1] is called \"a\" as one before it is");
  EXPECT_EQ(problem(R"([{"name": "a", "parameters": []}])"),
            "tools[0].parameters is [], expected a JSON schema, an object");
}

TEST(ToolChoiceTest, ChecksTheChoice) {
  std::vector<Tool> tools = someTools();
  ToolChoice choice;
  std::string error;
  using ChoiceKind = ToolChoice::Kind;
  for (auto [text, kind] : {std::pair("null", ChoiceKind::Auto),
                            std::pair("\"auto\"", ChoiceKind::Auto),
                            std::pair("\"none\"", ChoiceKind::None),
                            std::pair("\"required\"", ChoiceKind::Required)}) {
    EXPECT_TRUE(readToolChoice(Json::parse(text), tools, choice, error));
    EXPECT_EQ(choice.kind, kind);
  }
  Json named =
      Json::parse(R"({"type": "function", "function": {"name": "time"}})");
  EXPECT_TRUE(readToolChoice(named, tools, choice, error));
  EXPECT_EQ(choice.kind, ChoiceKind::Named);
  EXPECT_EQ(choice.name, "time");
  named["function"]["name"] = "x";
  EXPECT_FALSE(readToolChoice(named, tools, choice, error));
  EXPECT_EQ(
      error,
      "tool_choice.function.name is \"x\", which none of tools is called");
  EXPECT_FALSE(readToolChoice("maybe", tools, choice, error));
  EXPECT_EQ(error, "tool_choice is \"maybe\", expected \"none\", \"auto\", "
                   "\"required\" or {\"type\": \"function\", \"function\": "
                   "{\"name\": ...}}");
  EXPECT_FALSE(readToolChoice("required", {}, choice, error));
  EXPECT_EQ(error, "tool_choice is \"required\", but there are no tools");
}

static std::string grammarOf(const char *form, const ToolChoice &choice,
                             const CallGrammarOptions &options = {}) {
  std::vector<Tool> tools = someTools();
  CallGrammar grammar =
      forcedCallGrammar(*findToolCallForm(form), tools, choice, options);
  std::string text = grammar.gbnf;
  for (const auto &[name, schema] : grammar.schemas)
    text += name + ": " + schema.dump() + "\n";
  for (const auto &[name, end] : grammar.texts)
    text += name + " until " + end + "\n";
  return text;
}

TEST(ToolChoiceTest, WritesGrammars) {
  ToolChoice required{ToolChoice::Kind::Required};
  ToolChoice time{ToolChoice::Kind::Named, "time"};
  EXPECT_EQ(grammarOf("hermes", time),
            "root ::= \"<tool_call>\\n\" call \"\\n</tool_call>\"\n"
            "call ::= call-0\n"
            "call-0 ::= \"{\\\"name\\\": \\\"time\\\", \\\"arguments\\\": \" "
            "arguments-0 \"}\"\n"
            "arguments-0: {\"type\":\"object\"}\n");
  std::string jamba = grammarOf("jamba", required);
  EXPECT_TRUE(jamba.starts_with(
      "root ::= \"<tool_calls>[\\n  \" call (\",\\n  \" call){0,15} "
      "\"\\n]</tool_calls>\"\ncall ::= call-0 | call-1\n"))
      << jamba;
  EXPECT_EQ(grammarOf("jamba", required, {.several = false}).find("{0,15}"),
            std::string::npos);
  EXPECT_TRUE(grammarOf("llama3", time).starts_with("root ::= call\n"));
  std::string xml = grammarOf("qwen-xml", required, {.several = false});
  EXPECT_NE(xml.find("call-0 ::= \"<function=weather>\\n\" "
                     "\"<parameter=city>\\n\" value-0-0 \"\\n\" "
                     "(\"<parameter=days>\\n\" value-0-1 "
                     "\"\\n</parameter>\" \"\\n\")?"),
            std::string::npos)
      << xml;
  EXPECT_NE(xml.find("value-0-0 until </parameter>\n"), std::string::npos);
  EXPECT_NE(xml.find("value-0-1: {\"type\":\"integer\"}\n"), std::string::npos);
  // Special tokens stand for themselves, thoughts come first.
  std::string tokens = grammarOf(
      "lfm2", time,
      {.tokens = {"<|tool_call_end|>", "<|tool_call_start|>", "<think>"},
       .thoughtsEnd = "</think>"});
  EXPECT_TRUE(tokens.starts_with("root ::= thoughts \"\\n\"{0,2} "
                                 "<|tool_call_start|> \"[\" call \"]\" "
                                 "<|tool_call_end|>\n"))
      << tokens;
  EXPECT_NE(tokens.find("thoughts until </think>\n"), std::string::npos);
  // The last parameter that may be left out, one in the middle, the first.
  std::string python = grammarOf("lfm2", required, {.several = false});
  EXPECT_NE(python.find("first-0-6 ::= (\"any=\" value-0-6)?\n"),
            std::string::npos)
      << python;
  EXPECT_NE(python.find("behind-0-5 ::= \", \" \"code=\" value-0-5 behind-0-6 "
                        "| behind-0-6\n"),
            std::string::npos);
  EXPECT_NE(python.find("first-0-0 ::= \"city=\" value-0-0 behind-0-1\n"),
            std::string::npos);
  EXPECT_NE(python.find("call-1 ::= \"time(\" \")\"\n"), std::string::npos);
}
