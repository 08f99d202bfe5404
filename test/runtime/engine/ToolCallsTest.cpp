//===- ToolCallsTest.cpp --------------------------------------------------===//
//
// Calls of all forms, read from answers.
//
//===----------------------------------------------------------------------===//

#include "ToolCallsTestUtils.h"

using namespace marimba::rt;
using Json = nlohmann::ordered_json;
using Kind = AnswerEvent::Kind;

TEST(ToolCallsTest, ReadsHermes) {
  EXPECT_EQ(read("hermes", "Look.\n<tool_call>\n{\"name\": \"weather\", "
                           "\"arguments\": {\"city\": \"Köln\", \"of\": [1, "
                           "{\"a\": \"}\\\"\"}]}}\n</tool_call>"),
            "Look. weather{\"city\":\"Köln\",\"of\":[1,{\"a\":\"}\\\"\"}]}");
  // Two, nothing but white space between; text behind.
  EXPECT_EQ(read("hermes", "<tool_call>{\"name\":\"time\",\"arguments\":{}}"
                           "</tool_call>\n<tool_call>\n{\"arguments\": "
                           "{\"city\": \"x\"}, \"name\": \"weather\"}\n"
                           "</tool_call>\nDone. "),
            "\nDone. time{} weather{\"city\":\"x\"}");
  // Arguments in a string, none, and without the end mark.
  EXPECT_EQ(read("hermes", "<tool_call>{\"name\": \"time\", \"arguments\": "
                           "\"{\\\"x\\\": 1}\"}</tool_call>"),
            " time{\"x\":1}");
  EXPECT_EQ(read("hermes", "<tool_call>{\"name\": \"time\"}"), " time{}");
  EXPECT_EQ(
      read("hermes", "<tool_call>{\"name\": \"time\", \"arguments\": null}\n"),
      " time{}");
  EXPECT_EQ(read("hermes", "<tool_call>{\"type\": \"function\", \"function\": "
                           "{\"name\": \"time\", \"arguments\": {\"x\": 2}}}"),
            " time{\"x\":2}");
  // A line break inside of a string, which JSON does not allow.
  EXPECT_EQ(read("hermes", "<tool_call>{\"name\": \"time\", \"arguments\": "
                           "{\"x\": \"a\nb\"}}</tool_call>"),
            " time{\"x\":\"a\\nb\"}");
  // Numbers end at what is behind them.
  EXPECT_EQ(read("hermes", "<tool_call>{\"name\": \"time\", \"n\": 1.5e3, "
                           "\"arguments\": {\"x\": [-1,true , null]}, \"m\": 3}"
                           "</tool_call>"),
            " time{\"x\":[-1,true,null]}");
}

TEST(ToolCallsTest, GivesWhatIsNoCallAsText) {
  for (const char *text :
       {"<tool_call>", "<tool_call> no",
        "a <tool_call>{\"name\": 3}</tool_call>",
        "<tool_call>{\"name\": \"time\", }</tool_call>", "x <tool_cal",
        "x < tool_call>", "<tool_call>{\"arguments\": {}}</tool_call> y",
        "<tool_call>[]</tool_call>", "<tool_call>{\"name\": \"time\"",
        "1 <tool_call>{\"name\": \"time\", \"arguments\": [1]}</tool_call>",
        "<tool_call><tool_call>x", "<tool_call>{\"name\": tru}</tool_call>"})
    EXPECT_EQ(read("hermes", text), text);
  // A real one behind one that is none.
  EXPECT_EQ(read("hermes", "a <tool_call> <tool_call>{\"name\": \"time\"}"),
            "a <tool_call> time{}");
  // Without tools calls are text, and so is white space behind an answer.
  AnswerParts::Options none = optionsOf("hermes");
  none.tools.clear();
  const char *call = "<tool_call>{\"name\": \"time\"}</tool_call>";
  EXPECT_EQ(read(none, call), call);
  EXPECT_EQ(read("hermes", "\n a b \n"), "a b \n");
  EXPECT_EQ(read("hermes", " \n "), "");
  // One that breaks off once its arguments have begun.
  EXPECT_EQ(read("hermes", "<tool_call>{\"name\": \"time\", \"arguments\": "
                           "{\"x\": [1, "),
            " time{\"x\": [1, !");
  EXPECT_EQ(read("hermes", "<tool_call>{\"name\": \"time\", \"arguments\": "
                           "{\"x\": oh}}"),
            "oh}} time{\"x\": !");
}

TEST(ToolCallsTest, StreamsArgumentsOfJson) {
  AnswerParts parts(optionsOf("hermes"));
  std::vector<AnswerEvent> events;
  parts.push("Hm. <tool_call>\n{\"name\": \"weather\", \"argu", events);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].text, "Hm.");
  parts.push("ments\": {\"city\": \"Pa", events);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[1].kind, Kind::CallBegun);
  EXPECT_EQ(events[1].name, "weather");
  EXPECT_EQ(events[2].text, "{\"city\": \"Pa");
  events.clear();
  parts.push("ris\"}", events);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].text, "ris\"}");
  parts.push("}", events);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].kind, Kind::CallEnded);
  // Ids differ.
  AnswerParts::Options options = optionsOf("hermes");
  options.makeId = {};
  std::vector<AnswerEvent> two;
  AnswerParts other(options);
  other.push("<tool_call>{\"name\": \"time\"}</tool_call><tool_call>{\"name\": "
             "\"time\"}",
             two);
  other.finish(two);
  ASSERT_EQ(two.size(), 6u);
  EXPECT_EQ(two[0].id.size(), 29u);
  EXPECT_TRUE(two[0].id.starts_with("call_"));
  EXPECT_NE(two[0].id, two[3].id);
}

TEST(ToolCallsTest, ReadsListsOfJson) {
  for (auto [form, open, close] :
       {std::tuple("jamba", "<tool_calls>[", "]</tool_calls>"),
        std::tuple("nemotron", "<TOOLCALL>[", "]</TOOLCALL>"),
        std::tuple("granite", "<|tool_call|>[", "]"),
        std::tuple("granite", "<tool_call>[", "]")}) {
    std::string call = "{\"name\": \"time\", \"arguments\": {\"x\": \"]\"}}";
    EXPECT_EQ(read(form, "Hi\n" + (open + call) + close),
              "Hi time{\"x\":\"]\"}");
    EXPECT_EQ(read(form, open + call + ",\n " + call + " " + close + "\nmore"),
              "\nmore time{\"x\":\"]\"} time{\"x\":\"]\"}");
    std::string broken = open + std::string("{\"n\": 1}") + close;
    EXPECT_EQ(read(form, broken), broken);
  }
}

TEST(ToolCallsTest, ReadsLlama) {
  std::string call = "{\"name\": \"time\", \"parameters\": {\"x\": 1}}";
  EXPECT_EQ(read("llama3", call), " time{\"x\":1}");
  EXPECT_EQ(read("llama3", "\n" + call + "; " + call),
            " time{\"x\":1} time{\"x\":1}");
  EXPECT_EQ(read("llama3", "<|python_tag|>" + call), " time{\"x\":1}");
  EXPECT_EQ(read("llama3", "So: " + call), "So: " + call);
  // JSON that is an answer, not a call.
  for (const char *text : {"{\"name\": \"Bob\", \"parameters\": {}}",
                           "{\"a\": 1}", "{x", "{", "<|python_tag|>print(1)"})
    EXPECT_EQ(read("llama3", text), text);
}

TEST(ToolCallsTest, ReadsLlamasPythonCalls) {
  EXPECT_EQ(read("llama3", "<|python_tag|>weather.call(city=\"Köln (1)\", "
                           "days='3', hot=True)"),
            " weather{\"city\":\"Köln (1)\",\"days\":3,\"hot\":true}");
  EXPECT_EQ(read("llama3", "Hm. <|python_tag|> time.call()"), "Hm. time{}");
  EXPECT_EQ(read("llama3", "<|python_tag|>time(x=1)\n"), " time{\"x\":1}");
  // Code, functions that are no tools, calls that are not whole.
  for (const char *text :
       {"<|python_tag|>", "<|python_tag|>brave_search.call(query=\"x\")",
        "<|python_tag|>import time\ntime.time()", "<|python_tag|>time.call(1)",
        "<|python_tag|>time.call(x=1", "<|python_tag|>time.call"})
    EXPECT_EQ(read("llama3", text), text);
}

TEST(ToolCallsTest, ReadsPythonCalls) {
  auto call = [](const std::string &text) {
    return read("lfm2", "<|tool_call_start|>" + text + "<|tool_call_end|>");
  };
  EXPECT_EQ(call("[weather(city='Köln', days=-2, hot=True, of=[1, 2.5, None, "
                 "'a'], with={'k': (1, 2), \"b\": false})]"),
            " weather{\"city\":\"Köln\",\"days\":-2,\"hot\":true,\"of\":[1,2.5,"
            "null,\"a\"],\"with\":{\"k\":[1,2],\"b\":false}}");
  EXPECT_EQ(
      call("[time(), weather(city=\"a]b\\n\\u00e9\\x41\\ud83d\\ude00\")]"),
      " time{} weather{\"city\":\"a]b\\néA😀\"}");
  // As the template itself writes quotes.
  EXPECT_EQ(call("[weather(city='it's <|tool_call_end|> so', code='')]"),
            " weather{\"city\":\"it's <|tool_call_end|> so\",\"code\":\"\"}");
  // Types follow the schema.
  EXPECT_EQ(call("[weather(city=5, days='3', hot='true', code=None, any=1)]"),
            " weather{\"city\":\"5\",\"days\":3,\"hot\":true,\"code\":null,"
            "\"any\":1}");
  // JSON, as some of the family write.
  EXPECT_EQ(call("[{\"name\": \"time\", \"arguments\": {\"x\": 1}}]"),
            " time{\"x\":1}");
  EXPECT_EQ(read("lfm2", "Hm. <|tool_call_start|>[time()]\n"), "Hm. time{}");
  EXPECT_EQ(read("lfm2", "<|tool_call_start|>[time()]<|tool_call_end|>Wait."),
            "Wait. time{}");
  for (const char *text :
       {"<|tool_call_start|>", "<|tool_call_start|>[time(",
        "<|tool_call_start|>"
        "time()<|tool_call_end|>",
        "<|tool_call_start|>[]<|tool_call_end|>",
        "<|tool_call_start|>[time(1)]<|tool_call_end|>",
        "<|tool_call_start|>[time(x=bad)]", "a<|tool_call_st"})
    EXPECT_EQ(read("lfm2", text), text);
}

TEST(ToolCallsTest, ReadsXml) {
  EXPECT_EQ(
      read("qwen-xml",
           "So.\n\n<tool_call>\n<function=weather>\n<parameter=city>\n"
           "Köln\n</parameter>\n<parameter=days>\n2\n</parameter>\n"
           "<parameter=hot>\nTrue\n</parameter>\n<parameter=of>\n[1, "
           "\"a\"]\n</parameter>\n<parameter=code>\n\nif a <b:\n  pass\n\n"
           "</parameter>\n<parameter=any>\n7\n</parameter>\n"
           "<parameter=unknown>\n8\n</parameter>\n</function>\n"
           "</tool_call>"),
      "So. weather{\"city\":\"Köln\",\"days\":2,\"hot\":true,\"of\":[1,"
      "\"a\"],\"code\":\"\\nif a <b:\\n  pass\\n\",\"any\":\"7\","
      "\"unknown\":\"8\"}");
  // Without the outer mark, without line breaks, several.
  EXPECT_EQ(read("qwen-xml", "<function=time></function>"), " time{}");
  EXPECT_EQ(read("qwen-xml", "<tool_call><function=weather><parameter=city>12"
                             "</parameter></function><function=time>"
                             "</function></tool_call> x"),
            " x weather{\"city\":\"12\"} time{}");
  EXPECT_EQ(read("qwen-xml", "<tool_call><function=time></function>"
                             "</tool_call>\n<tool_call>\n<function=time>"
                             "</function></tool_call>"),
            " time{} time{}");
  // Numbers that are none stay what they are, null where it may be.
  EXPECT_EQ(read("qwen-xml", "<function=weather><parameter=days>two"
                             "</parameter><parameter=code>null</parameter>"
                             "</function>"),
            " weather{\"days\":\"two\",\"code\":null}");
  for (const char *text :
       {"<tool_call>", "<tool_call>{\"name\": \"time\"}</tool_call>",
        "<function=", "<function=time", "<function=\n>", "<function=time>x",
        "<tool_call>\n<function=time>\n<parameter=a>\n1\n</parameter>\n",
        "a <func"})
    EXPECT_EQ(read("qwen-xml", text), text);
}

TEST(ToolCallsTest, KeepsThoughtsApart) {
  AnswerParts::Options options = optionsOf("hermes");
  EXPECT_EQ(read(options, "<think>\nA <tool_call> b.\n\nc\n</think>\n\nSo.\n"
                          "<tool_call>{\"name\": \"time\"}</tool_call>"),
            "\"A <tool_call> b.\n\nc\" So. time{}");
  options.begunThoughts = true;
  EXPECT_EQ(read(options, "Hm.\n</think>\n\nSo."), "\"Hm.\" So.");
  EXPECT_EQ(read(options, "Hm.\n"), "\"Hm.\" ");
  options.thoughtMarks = ThoughtMarks::of("a [THINK] b [/THINK]");
  EXPECT_EQ(read(options, "Hm.[/THINK]</think>"), "\"Hm.\" </think>");
}

TEST(ToolCallsTest, TakesMarksAroundAnAnswerAway) {
  AnswerParts::Options options = optionsOf("granite");
  options.thoughtMarks =
      ThoughtMarks::of("<think></think> and <response></response>");
  EXPECT_EQ(read(options, "<think>Hm.</think>\n<response>\nSo <b>.</response>"),
            "\"Hm.\" So <b>.");
  EXPECT_EQ(read(options, "<response>So.</res"), "So.</res");
  EXPECT_EQ(read(options, "<think>Hm.</think> So.</response>"),
            "\"Hm.\" So.</response>");
  EXPECT_EQ(read(options, "<res"), "<res");
  EXPECT_EQ(read(options, "<think>Hm.</think><|tool_call|>[{\"name\": "
                          "\"time\"}]"),
            "\"Hm.\"  time{}");
  // Of no other template.
  EXPECT_EQ(read("granite", "<response>So.</response>"),
            "<response>So.</response>");
}
