//===- ToolCallTemplatesTest.cpp ------------------------------------------===//
//
// What models' templates write of calls, read back.
//
//===----------------------------------------------------------------------===//

#include "ToolCallsTestUtils.h"

#include "marimba/ChatTemplate.h"

#include <fstream>
#include <iterator>

using namespace marimba::rt;
using Json = nlohmann::ordered_json;

/// A template that a model was given, or one of its form.
static std::string readTemplate(const std::string &name) {
  std::ifstream stream(std::string(MARIMBA_TEST_INPUTS) + "/chat-templates/" +
                       name + ".jinja");
  EXPECT_TRUE(stream.is_open()) << name;
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(ToolCallTemplatesTest, FindsTheFormOfATemplate) {
  auto formOf = [](const std::string &name) -> std::string_view {
    const ToolCallForm *form = detectToolCallForm(readTemplate(name));
    return form ? form->name : "none";
  };
  EXPECT_EQ(formOf("qwen"), "hermes");
  EXPECT_EQ(formOf("qwen25"), "hermes");
  EXPECT_EQ(formOf("qwen35"), "qwen-xml");
  EXPECT_EQ(formOf("granite"), "granite");
  EXPECT_EQ(formOf("kimi"), "kimi");
  EXPECT_EQ(formOf("lfm2"), "lfm2");
  EXPECT_EQ(formOf("jamba-tools"), "jamba");
  EXPECT_EQ(formOf("nemotron"), "nemotron");
  EXPECT_EQ(formOf("llama3-tools"), "llama3");
  EXPECT_EQ(formOf("lfm25"), "lfm2");
  EXPECT_EQ(formOf("llama3"), "none");
  EXPECT_EQ(formOf("chatml"), "none");
  EXPECT_EQ(findToolCallForm("nothing"), nullptr);
  for (const ToolCallForm *form : toolCallForms())
    EXPECT_EQ(findToolCallForm(form->name), form);
}

/// What a template writes of a call is what is read of an answer, and what is
/// read of it is written the same.
TEST(ToolCallTemplatesTest, ReadsWhatTemplatesWrite) {
  const Json calls = Json::parse(R"([
    {"name": "weather", "arguments": {"city": "Köln \"a\" <b>", "days": 2,
      "hot": true, "of": [1, 2.5, null, "x"], "with": {"k": "v"}}},
    {"name": "time", "arguments": {}}])");
  for (const char *name :
       {"qwen", "qwen25", "qwen35", "granite", "lfm2", "lfm25", "jamba-tools",
        "nemotron", "llama3-tools", "kimi"})
    for (size_t count : {1, 2}) {
      // Llama 3 writes one call in an answer.
      if (count == 2 && std::string_view(name).starts_with("llama3"))
        continue;
      std::string error, source = readTemplate(name);
      auto form = ChatTemplate::parse(source, name, {}, error);
      ASSERT_TRUE(form) << error;
      Json talk = Json::parse(R"([{"role": "user", "content": "x"}])");
      Json answer = {{"role", "assistant"},
                     {"content", ""},
                     {"tool_calls", Json::array()}};
      for (size_t i = 0; i < count; ++i)
        answer["tool_calls"].push_back(
            {{"id", "functions." + calls[i]["name"].get<std::string>() + ":" +
                        std::to_string(i)},
             {"type", "function"},
             {"function", calls[i]}});
      auto render = [&](const Json &messages, bool begins) {
        Json data = {{"messages", messages},
                     {"tools", nullptr},
                     {"bos_token", ""},
                     {"enable_thinking", false},
                     {"add_generation_prompt", begins}};
        return form->renderJson(data.dump(), error).value_or(error);
      };
      std::string front = render(talk, false);
      talk.push_back(answer);
      std::string whole = render(talk, false);
      ASSERT_TRUE(whole.starts_with(front)) << whole;
      std::string text = whole.substr(front.size());
      // The marks of the turn around it.
      for (const char *begin :
           {"<|im_start|>assistant\n", "<|bom|><|assistant|> ",
            "<|start_of_role|>assistant<|end_of_role|>",
            "<SPECIAL_11>Assistant\n",
            "<|start_header_id|>assistant<|end_header_id|>\n\n",
            "<|im_assistant|>assistant<|im_middle|>"})
        if (text.starts_with(begin))
          text.erase(0, std::string_view(begin).size());
      for (const char *end :
           {"<|im_end|>\n", "<|im_end|>", "<|eom|>", "<|end_of_text|>\n",
            "\n<SPECIAL_12>\n\n", "<|eot_id|>"})
        if (text.ends_with(end))
          text.resize(text.size() - std::string_view(end).size());
      AnswerParts::Options options = optionsOf("hermes");
      options.form = detectToolCallForm(source);
      ASSERT_TRUE(options.form);
      AnswerMessage message = readPieces(options, text, {text.size()});
      std::string expected;
      for (size_t i = 0; i < count; ++i)
        expected += " " + calls[i]["name"].get<std::string>() +
                    calls[i]["arguments"].dump();
      EXPECT_EQ(describe(message), expected) << name << ": " << text;
      EXPECT_EQ(read(options, text), expected);
      // And back.
      Json again = answer;
      again["tool_calls"] = Json::array();
      for (const AnswerMessage::Call &call : message.calls)
        again["tool_calls"].push_back(
            {{"id", call.id},
             {"type", "function"},
             {"function",
              {{"name", call.name},
               {"arguments", Json::parse(call.arguments)}}}});
      talk.back() = again;
      EXPECT_EQ(render(talk, false), whole);
    }
}
