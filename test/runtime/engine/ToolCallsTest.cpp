//===- ToolCallsTest.cpp --------------------------------------------------===//

#include "marimba/ToolCalls.h"
#include "marimba/AnswerParts.h"
#include "marimba/ChatTemplate.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

using namespace marimba::rt;
using Json = nlohmann::ordered_json;
using Kind = AnswerEvent::Kind;

static std::vector<Tool> someTools() {
  Json tools = Json::parse(R"([
    {"type": "function", "function": {"name": "weather", "parameters":
      {"type": "object", "properties": {
        "city": {"type": "string"}, "days": {"type": "integer"},
        "hot": {"type": "boolean"}, "of": {"type": "array"},
        "with": {"type": "object"}, "code": {"type": ["string", "null"]},
        "any": {}}, "required": ["city"]}}},
    {"type": "function", "function": {"name": "time"}}])");
  std::vector<Tool> result;
  std::string error;
  EXPECT_TRUE(readTools(tools, result, error)) << error;
  return result;
}

static AnswerParts::Options optionsOf(const char *form) {
  AnswerParts::Options options;
  options.form = findToolCallForm(form);
  EXPECT_NE(options.form, nullptr) << form;
  options.tools = someTools();
  options.makeId = [] { return "id"; };
  return options;
}

/// What an answer is in a line: "thoughts" text f{...} g{...!, the last one of
/// a call that is not whole.
static std::string describe(const AnswerMessage &message) {
  std::string line;
  if (!message.reasoning.empty())
    line += "\"" + message.reasoning + "\" ";
  line += message.text;
  for (const AnswerMessage::Call &call : message.calls) {
    std::string arguments = call.arguments;
    if (call.whole) // as it means, not as it is written
      arguments = Json::parse(call.arguments).dump();
    line += " " + call.name + arguments + (call.whole ? "" : "!");
  }
  return line;
}

/// In pieces that end at `ends`. Checks the events for order.
static AnswerMessage readPieces(const AnswerParts::Options &options,
                                std::string_view text,
                                const std::vector<size_t> &ends) {
  AnswerParts parts(options);
  AnswerMessage message;
  size_t open = 0, begun = 0;
  auto hear = [&](std::vector<AnswerEvent> &events) {
    for (const AnswerEvent &event : events) {
      EXPECT_TRUE(event.kind == Kind::CallBegun ||
                  event.kind == Kind::CallEnded || !event.text.empty());
      if (event.kind == Kind::CallBegun) {
        EXPECT_EQ(event.call, begun++);
        EXPECT_EQ(event.id, "id");
        open = begun;
      } else if (event.kind == Kind::Arguments) {
        EXPECT_EQ(event.call + 1, open) << text;
      } else if (event.kind == Kind::CallEnded) {
        EXPECT_EQ(event.call + 1, open) << text;
        open = 0;
      }
      message.add(event);
    }
    events.clear();
  };
  std::vector<AnswerEvent> events;
  size_t at = 0;
  for (size_t end : ends) {
    parts.push(text.substr(at, end - at), events);
    hear(events);
    at = end;
  }
  parts.finish(events);
  hear(events);
  return message;
}

/// In one piece, in two at every place, and byte by byte: always the same.
static std::string read(const AnswerParts::Options &options,
                        std::string_view text) {
  std::string whole = describe(readPieces(options, text, {text.size()}));
  std::vector<size_t> bytes;
  for (size_t i = 1; i <= text.size(); ++i) {
    EXPECT_EQ(describe(readPieces(options, text, {i, text.size()})), whole)
        << text << " cut at " << i;
    bytes.push_back(i);
  }
  EXPECT_EQ(describe(readPieces(options, text, bytes)), whole) << text;
  return whole;
}

static std::string read(const char *form, std::string_view text) {
  return read(optionsOf(form), text);
}

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

/// A template that a model was given, or one of its form.
static std::string readTemplate(const std::string &name) {
  std::ifstream stream(std::string(MARIMBA_TEST_INPUTS) + "/chat-templates/" +
                       name + ".jinja");
  EXPECT_TRUE(stream.is_open()) << name;
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(ToolCallsTest, FindsTheFormOfATemplate) {
  auto formOf = [](const std::string &name) -> std::string_view {
    const ToolCallForm *form = detectToolCallForm(readTemplate(name));
    return form ? form->name : "none";
  };
  EXPECT_EQ(formOf("qwen"), "hermes");
  EXPECT_EQ(formOf("qwen25"), "hermes");
  EXPECT_EQ(formOf("qwen35"), "qwen-xml");
  EXPECT_EQ(formOf("granite"), "granite");
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
TEST(ToolCallsTest, ReadsWhatTemplatesWrite) {
  const Json calls = Json::parse(R"([
    {"name": "weather", "arguments": {"city": "Köln \"a\" <b>", "days": 2,
      "hot": true, "of": [1, 2.5, null, "x"], "with": {"k": "v"}}},
    {"name": "time", "arguments": {}}])");
  for (const char *name : {"qwen", "qwen25", "qwen35", "granite", "lfm2",
                           "lfm25", "jamba-tools", "nemotron", "llama3-tools"})
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
            {{"id", "1"}, {"type", "function"}, {"function", calls[i]}});
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
            "<|start_header_id|>assistant<|end_header_id|>\n\n"})
        if (text.starts_with(begin))
          text.erase(0, std::string_view(begin).size());
      for (const char *end : {"<|im_end|>\n", "<|eom|>", "<|end_of_text|>\n",
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
            {{"id", "1"},
             {"type", "function"},
             {"function",
              {{"name", call.name},
               {"arguments", Json::parse(call.arguments)}}}});
      talk.back() = again;
      EXPECT_EQ(render(talk, false), whole);
    }
}

TEST(ToolCallsTest, ChecksTools) {
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

TEST(ToolCallsTest, ChecksTheChoice) {
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

TEST(ToolCallsTest, WritesGrammars) {
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
