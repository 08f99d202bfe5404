//===- NextTurnTest.cpp ---------------------------------------------------===//

#include "ChatPromptTestUtils.h"

#include <algorithm>
#include <span>

using namespace marimba::rt;
using Json = nlohmann::ordered_json;

TEST(NextTurnTest, IsKnownUpToTheEndOfAnAnswer) {
  auto tokenizer = makeTokenizer();
  for (const char *name : {"chatml", "llama3", "qwen25", "qwen35"}) {
    auto source = readForm(name);
    ChatForm form(*tokenizer, source.get());
    ChatRequest request{.messages = firstOf(someMessages(), 2)};
    Json answer = {{"role", "assistant"}, {"content", "There was a girl."}};
    std::optional<ChatPrompt> next = form.nextTurn(request, answer);
    ASSERT_TRUE(next) << name;
    ChatPrompt now = makePrompt(form, request);
    request.messages.push_back(answer);
    request.messages.push_back({{"role", "user"}, {"content", "And then?"}});
    ChatPrompt later = makePrompt(form, request);
    ASSERT_LT(next->ids.size(), later.ids.size()) << name;
    EXPECT_TRUE(std::ranges::equal(
        next->ids, std::span(later.ids).first(next->ids.size())))
        << name;
    ASSERT_LE(next->boundaries.size(), later.boundaries.size()) << name;
    EXPECT_TRUE(std::ranges::equal(
        next->boundaries,
        std::span(later.boundaries).first(next->boundaries.size())))
        << name;
    EXPECT_EQ(next->boundaries.back(), int64_t(next->ids.size())) << name;
    // qwen35 writes the last answer with thoughts and others without.
    if (std::string_view(name) != "qwen35")
      EXPECT_GT(next->ids.size(), now.ids.size()) << name;
  }
}

TEST(NextTurnTest, HasNoAnswerThatIsWrittenOtherwise) {
  auto tokenizer = makeTokenizer();
  auto source = parseForm(
      "{% for m in messages %}<|im_start|>{{ m.role }}: {% if m.role != "
      "'assistant' or loop.last %}{{ m.content }}{% endif %}<|im_end|>"
      "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant: "
      "{% endif %}");
  ChatForm form(*tokenizer, source.get());
  ChatRequest request{.messages = firstOf(someMessages(), 2)};
  Json answer = {{"role", "assistant"}, {"content", "There was a girl."}};
  std::optional<ChatPrompt> next = form.nextTurn(request, answer);
  ASSERT_TRUE(next);
  EXPECT_LE(next->ids.size(), makePrompt(form, request).ids.size());
  // One that is continued is part of a message that is not told here.
  request.messages.push_back(answer);
  request.continuesLast = true;
  EXPECT_FALSE(form.nextTurn(request, answer));
}
