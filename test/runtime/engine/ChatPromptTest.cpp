//===- ChatPromptTest.cpp -------------------------------------------------===//

#include "ChatPromptTestUtils.h"

#include "marimba/AnswerParts.h"

#include <chrono>

using namespace marimba::rt;
using Json = nlohmann::ordered_json;

static Json someTools() {
  return Json::parse(R"([{"type": "function", "function": {"name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type":
    "string"}}}}}])");
}

/// The ids are those of the whole text, and the boundaries those that encoding
/// each beginning of the conversation by itself finds.
static void checkBoundaries(const Tokenizer &tokenizer, const ChatForm &form,
                            const Json &messages, const Json &tools) {
  ChatRequest request{.messages = messages, .tools = tools};
  ChatPrompt whole = makePrompt(form, request);
  EXPECT_EQ(whole.ids, tokenizer.encode(whole.text, false));
  ASSERT_FALSE(whole.boundaries.empty());
  EXPECT_EQ(whole.boundaries.back(), int64_t(whole.ids.size()));
  EXPECT_TRUE(std::ranges::is_sorted(whole.boundaries));
  std::set<int64_t> found(whole.boundaries.begin(), whole.boundaries.end());
  EXPECT_EQ(found.size(), whole.boundaries.size());
  for (size_t count = 1; count < messages.size(); ++count) {
    if (messages[count]["role"] != "assistant")
      continue;
    std::string error;
    request.messages = firstOf(messages, count);
    std::optional<ChatPrompt> part = form.prompt(request, error);
    if (!part)
      continue;
    bool begins =
        part->ids.size() <= whole.ids.size() &&
        std::equal(part->ids.begin(), part->ids.end(), whole.ids.begin());
    EXPECT_EQ(begins && whole.text.starts_with(part->text),
              found.contains(int64_t(part->ids.size())))
        << whole.text << "\n"
        << count;
    // As far as both are the same, they have the same ones.
    size_t same =
        static_cast<size_t>(std::mismatch(part->ids.begin(), part->ids.end(),
                                          whole.ids.begin(), whole.ids.end())
                                .first -
                            part->ids.begin());
    auto upTo = [&](const std::vector<int64_t> &all) {
      std::vector<int64_t> result;
      for (int64_t one : all)
        if (one <= int64_t(same))
          result.push_back(one);
      return result;
    };
    EXPECT_EQ(upTo(part->boundaries), upTo(whole.boundaries)) << whole.text;
  }
}

/// With all templates.
static void checkForms(const Tokenizer &tokenizer) {
  Json plain = Json::array();
  for (const Json &message : someMessages())
    if (message["role"] != "tool" && !message.contains("tool_calls"))
      plain.push_back(message);
  for (const char *name :
       {"qwen", "qwen25", "qwen35", "lfm2", "lfm25", "chatml", "llama3",
        "granite", "nemotron", "jamba", "jamba-tools", "llama3-tools",
        "mistral", "falcon", "gemma", "olmo", "kimi"}) {
    auto source = readForm(name);
    SCOPED_TRACE(name);
    bool calls = detectToolCallForm(source->source()) != nullptr;
    Json messages = calls ? someMessages() : plain;
    if (std::string_view(name) == "mistral" ||
        std::string_view(name) == "gemma")
      messages.erase(0);
    ChatForm form(tokenizer, source.get());
    checkBoundaries(tokenizer, form, messages, calls ? someTools() : Json());
  }
}

TEST(ChatPromptTest, FindsWhereMessagesEnd) {
  for (const char *name : {"stories", "sp-prepend", "bytelevel"})
    for (bool hasMarks : {true, false})
      checkForms(*makeTokenizer(name, hasMarks));
}

// Tokens that depend on what stands around them, or are found later.
TEST(ChatPromptTest, FindsThemAtTokensOfAllKinds) {
  for (const char *flag : {"lstrip", "rstrip", "single_word", "normalized"}) {
    SCOPED_TRACE(flag);
    checkForms(*makeTokenizer("stories", true, flag));
    checkForms(*makeTokenizer("sp-prepend", true, flag));
  }
}

TEST(ChatPromptTest, MarksEveryMessageAndAnswer) {
  auto tokenizer = makeTokenizer();
  auto chatml = readForm("chatml");
  ChatForm form(*tokenizer, chatml.get());
  ChatRequest request{.messages = Json::parse(R"([
    {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "So"},
    {"role": "user", "content": "Yes"}])")};
  ChatPrompt prompt = makePrompt(form, request);
  std::vector<std::string> parts;
  int64_t at = 0;
  for (int64_t end : prompt.boundaries) {
    parts.push_back(
        tokenizer->decode(std::span(prompt.ids).subspan(at, end - at), false));
    at = end;
  }
  EXPECT_EQ(parts,
            (std::vector<std::string>{
                "<|im_start|>user\nHi<|im_end|>\n", "<|im_start|>assistant\n",
                "So<|im_end|>\n", "<|im_start|>user\nYes<|im_end|>\n",
                "<|im_start|>assistant\n"}));
  EXPECT_FALSE(prompt.begunThoughts);
  EXPECT_EQ(form.calls(), nullptr);
}

TEST(ChatPromptTest, LeavesOutWhereTemplatesRewrite) {
  auto tokenizer = makeTokenizer();
  auto qwen = readForm("qwen");
  ChatForm form(*tokenizer, qwen.get());
  // The thought is dropped with the next question, so the answer's end is none.
  ChatRequest request{.messages = firstOf(someMessages(), 4)};
  ChatPrompt prompt = makePrompt(form, request);
  EXPECT_EQ(prompt.text.find("A story."), std::string::npos);
  EXPECT_EQ(prompt.boundaries.size(), 5u); // system, user, answer, user, answer
  // It is there while it counts.
  request.messages = firstOf(someMessages(), 3);
  EXPECT_NE(makePrompt(form, request).text.find("<think>\nA story.\n</think>"),
            std::string::npos);
}

TEST(ChatPromptTest, FeedsThoughtsAsTemplatesWantThem) {
  auto tokenizer = makeTokenizer();
  Json messages = firstOf(someMessages(), 3);
  auto textOf = [&](const ChatTemplate *source) {
    return makePrompt(ChatForm(*tokenizer, source), {.messages = messages})
        .text;
  };
  constexpr const char *loop = "{% for m in messages %}";
  auto form = [&](const std::string &body) {
    return parseForm(loop + body + "{% endfor %}");
  };
  EXPECT_NE(textOf(form("{{ m.reasoning_content }}{{ m.content }}").get())
                .find("A story.There"),
            std::string::npos);
  EXPECT_NE(textOf(form("{{ m.thinking }}{{ m.content }}").get())
                .find("A story.There"),
            std::string::npos);
  EXPECT_NE(textOf(form("{{ m.content.split('</think>')[0] }}").get())
                .find("<think>\nA story.\n"),
            std::string::npos);
  EXPECT_EQ(textOf(form("{{ m.content }}").get()).find("A story."),
            std::string::npos);
  // vLLM's other name for it.
  messages[2].erase("reasoning_content");
  messages[2]["reasoning"] = "Other.";
  EXPECT_NE(textOf(form("{{ m.reasoning_content }}{{ m.content }}").get())
                .find("Other.There"),
            std::string::npos);
}

TEST(ChatPromptTest, GivesCallsAsTemplatesWantThem) {
  auto tokenizer = makeTokenizer();
  Json messages = someMessages();
  constexpr const char *front = "{% if tools %}{% endif %}{% for m in messages "
                                "%}[{{ m.role }}{{ m.name }}]{{ m.content }}"
                                "{% for c in m.tool_calls or [] %}";
  constexpr const char *end = "{% endfor %}{% endfor %}";
  auto textOf = [&](const std::string &call) {
    auto form = parseForm(front + call + end);
    return makePrompt(ChatForm(*tokenizer, form.get()), {.messages = messages})
        .text;
  };
  // An object; the text where it would be no JSON otherwise.
  EXPECT_NE(textOf("{{ c.function.arguments | tojson }}")
                .find("[assistant]{\"city\": \"Köln\"}"),
            std::string::npos);
  EXPECT_NE(textOf("{{ c.function.arguments }}")
                .find("[assistant]{\"city\": \"Köln\"}"),
            std::string::npos);
  EXPECT_NE(textOf("{{ 'x' + c.function.arguments }}")
                .find("[assistant]x{\"city\": \"Köln\"}"),
            std::string::npos);
  EXPECT_NE(textOf("{% for k, v in c.function.arguments.items() %}{{ k }}={{ v "
                   "}}{% endfor %}")
                .find("[assistant]city=Köln"),
            std::string::npos);
  // What was called has a name, and a developer is a system.
  EXPECT_NE(textOf("").find("[toolweather]{\"rain\": true}"),
            std::string::npos);
  messages[0]["role"] = "developer";
  EXPECT_TRUE(textOf("").starts_with("[system]"));
  auto knows = parseForm("{# developer #}{% for m in messages %}[{{ m.role }}]"
                         "{% endfor %}");
  EXPECT_TRUE(
      makePrompt(ChatForm(*tokenizer, knows.get()), {.messages = messages})
          .text.starts_with("[developer]"));
}

TEST(ChatPromptTest, FollowsTheChoiceOfTools) {
  auto tokenizer = makeTokenizer();
  auto qwen = readForm("qwen");
  ChatForm form(*tokenizer, qwen.get());
  ChatRequest request{.messages = firstOf(someMessages(), 2),
                      .tools = someTools()};
  ChatPrompt prompt = makePrompt(form, request);
  EXPECT_EQ(prompt.choice.kind, ToolChoice::Kind::Auto);
  ASSERT_EQ(prompt.tools.size(), 1u);
  // In the order of the request.
  EXPECT_NE(
      prompt.text.find("{\"type\": \"function\", \"function\": {\"name\": "
                       "\"weather\", \"parameters\""),
      std::string::npos);
  request.toolChoice = "none";
  prompt = makePrompt(form, request);
  EXPECT_TRUE(prompt.tools.empty());
  EXPECT_EQ(prompt.text.find("weather"), std::string::npos);
  request.toolChoice =
      Json::parse(R"({"type": "function", "function": {"name": "weather"}})");
  EXPECT_EQ(makePrompt(form, request).choice.kind, ToolChoice::Kind::Named);
  EXPECT_EQ(form.calls(), findToolCallForm("hermes"));
  EXPECT_EQ(ChatForm(*tokenizer, qwen.get(), findToolCallForm("jamba")).calls(),
            findToolCallForm("jamba"));
  // Marks that are special tokens are text.
  auto lfm2 = readForm("lfm2");
  std::vector<int32_t> marks{*tokenizer->tokenToId("<|tool_call_start|>"),
                             *tokenizer->tokenToId("<think>"),
                             *tokenizer->tokenToId("</think>")};
  EXPECT_EQ(ChatForm(*tokenizer, lfm2.get()).spoken(), marks);
}

TEST(ChatPromptTest, KnowsWhetherThoughtsAreBegun) {
  auto tokenizer = makeTokenizer();
  auto qwen35 = readForm("qwen35");
  ChatForm form(*tokenizer, qwen35.get());
  ChatRequest request{.messages = firstOf(someMessages(), 2)};
  EXPECT_TRUE(makePrompt(form, request).begunThoughts);
  request.thinks = false;
  EXPECT_FALSE(makePrompt(form, request).begunThoughts);
  request.thinks = std::nullopt;
  request.values = Json{{"enable_thinking", false}};
  EXPECT_FALSE(makePrompt(form, request).begunThoughts);
}

TEST(ChatPromptTest, ContinuesAnAnswer) {
  auto tokenizer = makeTokenizer();
  auto chatml = readForm("chatml");
  ChatForm form(*tokenizer, chatml.get());
  ChatRequest request{.messages = firstOf(someMessages(), 3),
                      .continuesLast = true};
  ChatPrompt prompt = makePrompt(form, request);
  EXPECT_TRUE(prompt.text.ends_with("<|im_start|>assistant\nThere was a girl."))
      << prompt.text;
  EXPECT_EQ(prompt.ids, tokenizer->encode(prompt.text, false));
  request.messages = firstOf(someMessages(), 2);
  std::string error;
  EXPECT_FALSE(form.prompt(request, error));
  EXPECT_EQ(error, "messages[1]: expected an answer with text to continue");
}

TEST(ChatPromptTest, WritesThePlainForm) {
  auto tokenizer = makeTokenizer("stories", false);
  ChatForm form(*tokenizer, nullptr);
  ChatRequest request{.messages = firstOf(someMessages(), 4)};
  ChatPrompt prompt = makePrompt(form, request);
  EXPECT_EQ(prompt.text, "Be brief.\n\nUser: Once upon a time?\nAssistant: "
                         "There was a girl.\nUser: And\nthe weather?\n"
                         "Assistant:");
  // With the token that starts a text.
  EXPECT_EQ(prompt.ids, tokenizer->encode(prompt.text, true));
  EXPECT_EQ(prompt.ids.front(), 1);
  EXPECT_EQ(prompt.boundaries.back(), int64_t(prompt.ids.size()));
  EXPECT_GE(prompt.boundaries.size(), 4u);
  EXPECT_EQ(form.stops(), std::vector<std::string>{"\nUser:"});
  request.messages = firstOf(someMessages(), 2);
  ChatPrompt first = makePrompt(form, request);
  EXPECT_EQ(first.boundaries,
            std::vector<int64_t>(prompt.boundaries.begin(),
                                 prompt.boundaries.begin() +
                                     std::ptrdiff_t(first.boundaries.size())));
  std::string error;
  request.messages = someMessages();
  EXPECT_FALSE(form.prompt(request, error));
  EXPECT_EQ(error, "messages[4] is of a call, and the model has no chat "
                   "template to write it");
  request = {.messages = firstOf(someMessages(), 2), .tools = someTools()};
  EXPECT_FALSE(form.prompt(request, error));
  EXPECT_EQ(error,
            "tools: the model has no chat template that tells it of any");
}

TEST(ChatPromptTest, NamesWhatIsWrong) {
  auto tokenizer = makeTokenizer();
  auto qwen = readForm("qwen");
  ChatForm form(*tokenizer, qwen.get());
  auto problem = [&](const char *messages) {
    std::string error;
    ChatRequest request{.messages = Json::parse(messages)};
    EXPECT_FALSE(form.prompt(request, error)) << messages;
    return error;
  };
  EXPECT_EQ(problem("null"), "messages is null, expected a list");
  EXPECT_EQ(problem("[]"), "messages is empty, expected one message at least");
  EXPECT_EQ(problem("[3]"), "messages[0] is 3, expected an object");
  EXPECT_EQ(problem(R"([{"content": "x"}])"), "messages[0] has no role");
  EXPECT_EQ(problem(R"([{"role": "user", "content": "x"},
                        {"role": "bot", "content": "x"}])"),
            "messages[1].role is \"bot\", expected system, developer, user, "
            "assistant or tool");
  EXPECT_EQ(problem(R"([{"role": "user"}])"), "messages[0] has no content");
  EXPECT_EQ(problem(R"([{"role": "assistant", "content": null}])"),
            "messages[0] has no content");
  EXPECT_EQ(problem(R"([{"role": "user", "content": 1}])"),
            "messages[0].content is 1, expected a text or a list of parts");
  EXPECT_EQ(problem(R"([{"role": "user", "content": [
              {"type": "image_url", "image_url": {}}]}])"),
            "messages[0].content[0].type is \"image_url\", expected \"text\"");
  EXPECT_EQ(problem(R"([{"role": "user", "content": [{"type": "text"}]}])"),
            "messages[0].content[0] has no text");
  EXPECT_EQ(problem(R"([{"role": "tool", "content": "x"}])"),
            "messages[0] has no tool_call_id");
  EXPECT_EQ(problem(R"([{"role": "user", "content": "x", "tool_calls": [1]}])"),
            "messages[0].tool_calls is there, expected it of the assistant "
            "only");
  EXPECT_EQ(problem(R"([{"role": "assistant", "tool_calls": [
              {"function": {"arguments": "{}"}}]}])"),
            "messages[0].tool_calls[0].function has no name");
  EXPECT_EQ(problem(R"([{"role": "assistant", "tool_calls": [
              {"function": {"name": "f", "arguments": "[1]"}}]}])"),
            "messages[0].tool_calls[0].function.arguments is [1], expected an "
            "object");
  EXPECT_TRUE(problem(R"([{"role": "assistant", "tool_calls": [
              {"function": {"name": "f", "arguments": "{1"}}]}])")
                  .starts_with("messages[0].tool_calls[0].function.arguments "
                               "is not valid JSON: "));
  EXPECT_EQ(problem(R"([{"role": "assistant", "content": "x",
              "reasoning_content": 1}])"),
            "messages[0].reasoning_content is 1, expected a text");
  // What the template itself refuses, with its line.
  auto refuses = parseForm("{{ raise_exception('Never.') }}");
  std::string error;
  ChatRequest request{.messages = firstOf(someMessages(), 2)};
  EXPECT_FALSE(ChatForm(*tokenizer, refuses.get()).prompt(request, error));
  EXPECT_NE(error.find("t: line 1: the template refuses the conversation: "
                       "Never."),
            std::string::npos)
      << error;
}

TEST(ChatPromptTest, IsFastForLongConversations) {
  auto tokenizer = makeTokenizer();
  auto qwen25 = readForm("qwen25");
  ChatForm form(*tokenizer, qwen25.get());
  std::string text;
  while (text.size() < 6000)
    text += "Once upon a time there was a little girl named Lily. ";
  Json messages = Json::array();
  for (int i = 0; i < 40; ++i)
    messages.push_back(
        {{"role", i % 2 ? "assistant" : "user"}, {"content", text}});
  messages.push_back({{"role", "user"}, {"content", "And then?"}});
  ChatPrompt prompt;
  std::string whole;
  auto begin = std::chrono::steady_clock::now();
  prompt = makePrompt(form, {.messages = messages});
  auto middle = std::chrono::steady_clock::now();
  tokenizer->encode(prompt.text, false);
  auto end = std::chrono::steady_clock::now();
  EXPECT_GT(prompt.ids.size(), 32000u);
  EXPECT_GE(prompt.boundaries.size(), 60u); // of 41 and 21
  // Not as often as there are messages.
  EXPECT_LT(middle - begin, 12 * (end - middle));
  auto ms = [](auto time) {
    return std::to_string(
        std::chrono::duration_cast<std::chrono::microseconds>(time).count());
  };
  RecordProperty("prompt_us", ms(middle - begin));
  RecordProperty("encode_us", ms(end - middle));
}
