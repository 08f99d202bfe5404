//===- KimiCallsTest.cpp --------------------------------------------------===//
//
// Calls of Kimi K2, read from answers.
//
//===----------------------------------------------------------------------===//

#include "ToolCallsTestUtils.h"

using namespace marimba::rt;

/// A call as the model writes it.
static std::string call(const std::string &id, const std::string &arguments) {
  return "<|tool_call_begin|>" + id + "<|tool_call_argument_begin|>" +
         arguments + "<|tool_call_end|>";
}

static std::string section(const std::string &calls) {
  return "<|tool_calls_section_begin|>" + calls + "<|tool_calls_section_end|>";
}

TEST(KimiCallsTest, ReadsASection) {
  EXPECT_EQ(read("kimi", "Look.\n" + section(call("functions.weather:0",
                                                  R"({"city": "K|ln"})"))),
            "Look. weather{\"city\":\"K|ln\"}");
  EXPECT_EQ(read("kimi", section(call("functions.time:12", "{\"x\":[1,{}]}") +
                                 call("functions.weather:13", "{}")) +
                             " So."),
            " So. time{\"x\":[1,{}]} weather{}");
  // White space, no name of the kind, nothing for arguments.
  EXPECT_EQ(read("kimi", section("\n" + call(" time:0 ", " {\"x\": 1}\n") +
                                 "\n" + call("time", "") + "\n")),
            " time{\"x\":1} time{}");
  EXPECT_EQ(read("kimi", section(call("functions.a.b:0", "{}"))), " a.b{}");
  // A line break inside of a string, marks inside of one.
  EXPECT_EQ(read("kimi", section(call("functions.time:0",
                                      "{\"x\": \"a\n<|tool_call_end|>\"}"))),
            " time{\"x\":\"a\\n<|tool_call_end|>\"}");
}

TEST(KimiCallsTest, ForgivesMissingMarks) {
  std::string one = call("functions.time:0", "{}");
  EXPECT_EQ(read("kimi", one), " time{}");
  EXPECT_EQ(read("kimi", "<|tool_calls_section_begin|>" + one), " time{}");
  EXPECT_EQ(read("kimi", "<|tool_calls_section_begin|>" + one + "Wait"),
            "Wait time{}");
  EXPECT_EQ(read("kimi", "<|tool_call_begin|>functions.time:0"
                         "<|tool_call_argument_begin|>{}"),
            " time{}");
}

TEST(KimiCallsTest, GivesWhatIsNoCallAsText) {
  const std::string begin = "<|tool_calls_section_begin|>";
  for (const std::string &text :
       {begin, begin + "<|tool_calls_section_end|>", begin + " no",
        section(call("call_4", "{}")), section(call("functions.:0", "{}")),
        section(call("functions.time:0", "[1]")),
        section(call(std::string(600, 'f') + ":0", "{}")),
        std::string("<|tool_call_begin|>functions.time:0"),
        std::string("a <|tool_calls_sec")})
    EXPECT_EQ(read("kimi", text), text);
  // Arguments that break off, or are none.
  std::string open = begin + "<|tool_call_begin|>functions.time:0"
                             "<|tool_call_argument_begin|>{\"x\": ";
  EXPECT_EQ(read("kimi", open + "[1, "), " time{\"x\": [1, !");
  EXPECT_EQ(read("kimi", open + "oh}"), "oh} time{\"x\": !");
}

/// A template writes a call and what it returned with the id of the model.
TEST(KimiCallsTest, KeepsTheModelsIds) {
  AnswerParts parts(optionsOf("kimi"));
  std::vector<AnswerEvent> events;
  parts.push(section(call("functions.time:7", "{}") + call("time", "{}")),
             events);
  AnswerMessage message;
  for (const AnswerEvent &event : events)
    message.add(event);
  ASSERT_EQ(message.calls.size(), 2u);
  EXPECT_EQ(message.calls[0].id, "functions.time:7");
  EXPECT_EQ(message.calls[1].id, "time");
}
