//===- ChatPromptTestUtils.h - Templates and conversations ------*- C++ -*-===//

#ifndef MARIMBA_TEST_RUNTIME_ENGINE_CHATPROMPTTESTUTILS_H
#define MARIMBA_TEST_RUNTIME_ENGINE_CHATPROMPTTESTUTILS_H

#include "../TokenizerTestUtils.h"

#include "marimba/ChatPrompt.h"

#include <fstream>
#include <iterator>

namespace marimba::rt {

/// A tokenizer of Inputs that has tokens for the marks of turns, too; `flag`,
/// where it is there, is set for them.
inline std::unique_ptr<Tokenizer> makeTokenizer(const char *name = "stories",
                                                bool hasMarks = true,
                                                const char *flag = nullptr) {
  nlohmann::json document = readGolden(name)["tokenizer"];
  int32_t id = 60000;
  if (hasMarks)
    for (const char *mark :
         {"<|im_start|>", "<|im_end|>", "<think>", "</think>",
          "<|tool_call_start|>", "<|eot_id|>", "<|start_header_id|>",
          "<|end_header_id|>", "<|bom|>", "<|eom|>"}) {
      nlohmann::json token = addedToken(id++, mark);
      token["special"] = true;
      if (flag)
        token[flag] = true;
      document["added_tokens"].push_back(token);
    }
  return parse(document);
}

inline std::unique_ptr<ChatTemplate> readForm(const std::string &name) {
  std::ifstream stream(std::string(MARIMBA_TEST_INPUTS) + "/chat-templates/" +
                       name + ".jinja");
  std::string source{std::istreambuf_iterator<char>(stream), {}}, error;
  auto form = ChatTemplate::parse(
      source, name, {{"bos_token", ""}, {"eos_token", "</s>"}}, error);
  EXPECT_TRUE(form) << error;
  return form;
}

inline std::unique_ptr<ChatTemplate> parseForm(std::string_view source) {
  std::string error;
  auto form = ChatTemplate::parse(source, "t", {}, error);
  EXPECT_TRUE(form) << error;
  return form;
}

/// A conversation with thoughts, calls and what they returned.
inline nlohmann::ordered_json someMessages() {
  return nlohmann::ordered_json::parse(R"([
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Once upon a time?"},
    {"role": "assistant", "content": "There was a girl.",
     "reasoning_content": "A story."},
    {"role": "user", "content": [{"type": "text", "text": "And"},
                                 {"type": "text", "text": "the weather?"}]},
    {"role": "assistant", "content": null, "tool_calls": [
      {"id": "c1", "type": "function", "function":
        {"name": "weather", "arguments": "{\"city\": \"Köln\"}"}}]},
    {"role": "tool", "tool_call_id": "c1", "content": "{\"rain\": true}"},
    {"role": "assistant", "content": "It rains."},
    {"role": "user", "content": "Thanks!"}])");
}

inline ChatPrompt makePrompt(const ChatForm &form, const ChatRequest &request) {
  std::string error;
  std::optional<ChatPrompt> prompt = form.prompt(request, error);
  EXPECT_TRUE(prompt) << error;
  return prompt.value_or(ChatPrompt());
}

inline nlohmann::ordered_json firstOf(const nlohmann::ordered_json &messages,
                                      size_t count) {
  nlohmann::ordered_json result = nlohmann::ordered_json::array();
  for (size_t i = 0; i < count; ++i)
    result.push_back(messages[i]);
  return result;
}

} // namespace marimba::rt

#endif // MARIMBA_TEST_RUNTIME_ENGINE_CHATPROMPTTESTUTILS_H
