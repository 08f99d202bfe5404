//===- ChatTemplateTest.cpp -----------------------------------------------===//

#include "marimba/ChatTemplate.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace marimba::rt;
using Json = nlohmann::ordered_json;

static std::string readFile(const std::string &name) {
  std::ifstream stream(std::string(MARIMBA_TEST_INPUTS) + "/chat-templates/" +
                       name);
  EXPECT_TRUE(stream.is_open()) << name;
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// What `source` prints for `json`, or the error.
static std::string render(std::string_view source, std::string_view json) {
  std::string error;
  auto read = ChatTemplate::parse(source, "t", {}, error);
  if (!read)
    return error;
  std::optional<std::string> text = read->renderJson(json, error);
  return text ? *text : error;
}
static std::string render(std::string_view source) {
  return render(source, "{}");
}

// What Jinja itself makes of them (make_cases.py).
TEST(ChatTemplateTest, AgreesWithJinja) {
  Json file = Json::parse(readFile("cases.json"));
  ASSERT_GT(file["cases"].size(), 800u);
  for (Json &entry : file["cases"]) {
    // Long values are there once.
    for (auto &[name, value] : entry["data"].items())
      if ((name == "messages" || name == "tools") && value.is_number())
        value = file["shared"].at(value.get<size_t>());
    std::string source = entry.contains("file")
                             ? readFile(entry["file"].get<std::string>())
                             : entry["template"].get<std::string>();
    std::string found = render(source, entry["data"].dump());
    if (entry.contains("text"))
      EXPECT_EQ(found, entry["text"].get<std::string>()) << source;
    else
      EXPECT_TRUE(found.starts_with("t: line ") &&
                  found.ends_with("the template refuses the conversation: " +
                                  entry["refused"].get<std::string>()))
          << found;
  }
}

TEST(ChatTemplateTest, RendersMessages) {
  std::string error;
  auto read = ChatTemplate::parse(readFile("llama3.jinja"), "t",
                                  {{"bos_token", "<s>"}}, error);
  ASSERT_TRUE(read) << error;
  ChatMessage messages[] = {{"user", " Hi\xff "}};
  EXPECT_EQ(read->render(messages, true, error),
            "<s><|start_header_id|>user<|end_header_id|>\n\nHi\xEF\xBF\xBD"
            "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n");
  EXPECT_EQ(read->render(messages, false, error),
            "<s><|start_header_id|>user<|end_header_id|>\n\nHi\xEF\xBF\xBD"
            "<|eot_id|>");
}

TEST(ChatTemplateTest, NamesWhatIsNotSupported) {
  EXPECT_EQ(render("\n\n{% include 'x' %}"),
            "t: line 3: the block 'include' is not supported");
  EXPECT_EQ(render("\n{% frobnicate 'x' %}"),
            "t: line 2: the block 'frobnicate' is not supported here, "
            "supported: if, for, set, macro, call, filter, with, block, do, "
            "autoescape, break, continue, raw, generation");
  EXPECT_TRUE(render("a\n{{ 'x'|wordwrap }}")
                  .starts_with("t: line 2: the filter 'wordwrap' is not "
                               "supported, supported: abs, "));
  EXPECT_TRUE(render("{{ 1 is prime }}")
                  .starts_with("t: line 1: the test 'prime' is not "
                               "supported, supported: !=, "));
  EXPECT_EQ(render("{{ 'x'.encode() }}"),
            "t: line 1: the method 'encode' of string is not supported");
  EXPECT_EQ(render("{{ '{:>5}'.format(1) }}"),
            "t: line 1: 'format' with ':>5' is not supported");
  EXPECT_EQ(render("{{ '{} {}'.format(1) }}"),
            "t: line 1: 'format' has no value for '{}'");
  EXPECT_EQ(render("{{ lipsum() }}"),
            "t: line 1: the function 'lipsum' is undefined or not supported");
  EXPECT_EQ(render("{% autoescape true %}{% endautoescape %}"),
            "t: line 1: 'autoescape' is not supported");
  EXPECT_EQ(render("\n{% for x in [[1]] %}{{ loop(x) }}{% endfor %}"),
            "t: line 2: 'loop' is called, but the loop is not recursive");
  EXPECT_EQ(render("{{ 'abc'.index('d') }}"),
            "t: line 1: 'index': the string has no such part");
  EXPECT_EQ(render("{{ 10 ** 20 }}"),
            "t: line 1: the result of '*' is out of range");
  EXPECT_EQ(render("{{ '%y' % 3 }}"),
            "t: line 1: a format has the unknown conversion '%y'");
  EXPECT_EQ(render("{{ [3] | tojson(cls=true) }}"),
            "t: line 1: 'tojson' with the argument 'cls' is not supported");
}

TEST(ChatTemplateTest, NamesWhatIsWrong) {
  EXPECT_EQ(render("x\n{% if a %}\ny"),
            "t: line 2: 'if' has no end, expected 'endif'");
  EXPECT_EQ(render("{{ a"), "t: line 1: a block has no end, expected }}");
  EXPECT_EQ(render("{{ 'a }}"), "t: line 1: a string has no end");
  EXPECT_EQ(render("{# a"), "t: line 1: a comment has no end, expected #}");
  EXPECT_EQ(render("{% endif %}").substr(0, 23), "t: line 1: the block 'e");
  EXPECT_EQ(render("{{ a b }}"), "t: line 1: expected }}, found 'b'");
  EXPECT_EQ(render("{{ (1 }}"), "t: line 1: unexpected '}'");
  EXPECT_EQ(render("{{ a ? b }}"), "t: line 1: unexpected character '?'");
  EXPECT_EQ(render("{% for in x %}"), "t: line 1: expected 'in', found 'x'");
  EXPECT_EQ(render("{{ 99999999999999999999 }}"),
            "t: line 1: the number 99999999999999999999 is out of range");
  EXPECT_EQ(render("\n{{ a.b }}"), "t: line 2: 'a' is undefined");
  EXPECT_EQ(render("{{ 'a' + b }}"), "t: line 1: 'b' is undefined");
  EXPECT_EQ(render("{{ 'a' + 1 }}"),
            "t: line 1: '+' of string and integer is not supported");
  EXPECT_EQ(render("{{ 1 // 0 }}"), "t: line 1: division by zero");
  EXPECT_EQ(render("{{ a | tojson }}"), "t: line 1: 'tojson' of undefined 'a'");
  EXPECT_EQ(render("{% set a.b = 1 %}"),
            "t: line 1: 'set a.b' expects a namespace");
  EXPECT_EQ(render("{% set a, b = [1] %}"),
            "t: line 1: a value of 1 parts for 2 names");
  EXPECT_EQ(render("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}"),
            "t: line 1: the macro 'm' takes at most 1 arguments, found 2");
  EXPECT_EQ(render("{% macro m() %}{% endmacro %}{{ m(a=2) }}"),
            "t: line 1: the macro 'm' has no parameter 'a'");
  EXPECT_EQ(render("{% call m %}{% endcall %}"),
            "t: line 1: 'call' expects a call");
  EXPECT_EQ(render("\n{% filter upper %}x"),
            "t: line 2: 'filter' has no end, expected 'endfilter'");
  EXPECT_EQ(render("{{ '%d' % 'x' }}"),
            "t: line 1: '%d' expects a number, found string");
  EXPECT_EQ(render("{{ '%s%s' % 'x' }}"),
            "t: line 1: a format has more conversions than values");
  EXPECT_EQ(render("{{ 'x' % 'x' }}"),
            "t: line 1: a format has fewer conversions than values");
  EXPECT_EQ(render("{% for i in [1] %}{% macro m() %}{% break %}{% endmacro %}"
                   "{% endfor %}"),
            "t: line 1: 'break' outside of a loop");
  EXPECT_EQ(render("{% break %}"), "t: line 1: 'break' outside of a loop");
}

// Whatever a template does, it ends, soon and with a message.
TEST(ChatTemplateTest, IsBounded) {
  auto contains = [](const std::string &text, const char *part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(contains(render("{% for i in range(99999) %}{% for j in "
                              "range(99999) %}{% endfor %}{% endfor %}"),
                       "steps"));
  EXPECT_TRUE(contains(render("{{ range(1000000) }}"), "more than 100000"));
  EXPECT_TRUE(contains(
      render("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), "too deeply"));
  EXPECT_TRUE(contains(
      render("{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}"),
      "too deeply"));
  // What calls hold counts as what values hold.
  EXPECT_TRUE(
      contains(render("{% set n = namespace(c=1) %}{% for i in range(9999) %}"
                      "{% set n.c = cycler(n.c) %}{% endfor %}"),
               "nested"));
  EXPECT_TRUE(
      contains(render("{% set n = namespace(c=1) %}{% for i in range(9999) %}"
                      "{% for j in [n.c, 2] %}{% set n.c = loop %}"
                      "{% endfor %}{% endfor %}"),
               "nested"));
  EXPECT_TRUE(contains(render("{{ 'a'.center(999999999999) }}"), "allowed"));
  EXPECT_TRUE(contains(render("{{ []|slice(999999999999) }}"), "allowed"));
  EXPECT_TRUE(contains(render("{% macro m() %}{% call m() %}{% endcall %}"
                              "{% endmacro %}{{ m() }}"),
                       "too deeply"));
  EXPECT_TRUE(contains(
      render("{% for i in range(99999) %}{% for j in range(99) %}{% macro m() "
             "%}{% endmacro %}{% endfor %}{% endfor %}"),
      "steps"));
  EXPECT_TRUE(contains(render("{{ '%999999999999d' % 1 }}"), "1"));
  EXPECT_TRUE(contains(render("{{ 'ab' * 999999999999 }}"), "allowed"));
  EXPECT_TRUE(
      contains(render("{% set n = namespace(s='ab') %}{% for i in range(60) %}"
                      "{% set n.s = n.s ~ n.s %}{% endfor %}"),
               "line 1"));
  EXPECT_TRUE(
      contains(render("{% set n = namespace(s=[]) %}{% for i in range(9999) %}"
                      "{% set n.s = [n.s] %}{% endfor %}"),
               "nested"));
  EXPECT_TRUE(contains(render("{% set n = namespace() %}{% set n.n = n %}"),
                       "namespace"));
  std::string deep(100000, '(');
  EXPECT_TRUE(contains(
      render("{{ " + deep + "1" + std::string(100000, ')') + " }}"), "nested"));
  EXPECT_TRUE(
      contains(render("{{ " + std::string(100000, '-') + "1 }}"), "nested"));
  std::string sum = "1", filters = "1", blocks;
  for (int i = 0; i < 9999; ++i) {
    sum += " + 1";
    filters += "|abs";
    blocks += "{% if 1 %}";
  }
  EXPECT_TRUE(contains(render("{{ " + sum + " }}"), "nested"));
  EXPECT_TRUE(contains(render("{{ " + filters + " }}"), "nested"));
  EXPECT_TRUE(contains(render(blocks), "nested"));
  EXPECT_TRUE(contains(render(std::string(2 << 20, 'x')), "bytes"));
}

namespace {
/// A model directory with the files it is given.
class ChatTemplateFileTest : public testing::Test {
protected:
  void SetUp() override {
    folder =
        std::filesystem::path(testing::TempDir()) /
        ("chat-template-" +
         std::string(
             testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  void write(const std::string &name, const std::string &text) {
    std::ofstream(folder / name) << text;
  }
  /// What a template of the folder prints, or "none", or the error without the
  /// folder.
  std::string load(const std::string &name = "") {
    std::string error;
    auto read = ChatTemplate::load(folder, name, error);
    if (!read && error.empty())
      return "none";
    if (read) {
      std::optional<std::string> text = read->render({}, true, error);
      if (text)
        return *text;
    }
    return error.substr(folder.string().size() + 1);
  }

  std::filesystem::path folder;
};
} // namespace

TEST_F(ChatTemplateFileTest, FindsTheTemplate) {
  EXPECT_EQ(load(), "none");
  write("tokenizer_config.json", R"({"bos_token": {"content": "<s>"}})");
  EXPECT_EQ(load(), "none");
  EXPECT_EQ(load("tool_use"), "tokenizer_config.json: has no chat_template");
  write("tokenizer_config.json",
        R"({"bos_token": {"content": "<s>"}, "eos_token": "</s>",
            "pad_token": null,
            "chat_template": "{{ bos_token }}|{{ eos_token }}{{ pad_token }}"})");
  EXPECT_EQ(load(), "<s>|</s>");
  EXPECT_EQ(load("rag"), "tokenizer_config.json: chat_template has no template "
                         "called \"rag\", only \"default\"");
  EXPECT_EQ(load("default"), "<s>|</s>");
  write("chat_template.jinja", "\xEF\xBB\xBF"
                               "file {{ eos_token }}\r\n");
  EXPECT_EQ(load(), "file </s>");
  EXPECT_EQ(load("default"), "file </s>");
  std::filesystem::create_directories(folder / "additional_chat_templates");
  write("additional_chat_templates/tool_use.jinja", "tools {{ bos_token }}");
  write("additional_chat_templates/notes.txt", "{{");
  EXPECT_EQ(load("tool_use"), "tools <s>");
  EXPECT_EQ(load(), "file </s>");
  EXPECT_EQ(load("rag"), "tokenizer_config.json: chat_template has no template "
                         "called \"rag\", only \"default\", \"tool_use\"");
  EXPECT_EQ(load("../chat_template").substr(0, 22), "tokenizer_config.json:");
}

TEST_F(ChatTemplateFileTest, ReadsOtherFiles) {
  write("special_tokens_map.json", R"({"bos_token": {"content": "<b>"},
                                       "eos_token": "<map>"})");
  write("tokenizer_config.json", R"({"eos_token": "<e>"})");
  write("chat_template.json",
        R"({"chat_template": "{{ bos_token ~ eos_token }}"})");
  EXPECT_EQ(load(), "<b><e>");
  write("chat_template.json", R"({"chat_template": {"default": "one",
                                                    "rag": "two"}})");
  EXPECT_EQ(load(), "one");
  EXPECT_EQ(load("rag"), "two");
  write("tokenizer_config.json", R"({"chat_template": "first"})");
  EXPECT_EQ(load(), "first");
  EXPECT_EQ(load("rag"), "two");
}

TEST_F(ChatTemplateFileTest, ChoosesFromAList) {
  write("tokenizer_config.json",
        R"({"chat_template": [{"name": "default", "template": "one"},
                              {"name": "rag", "template": "two"}]})");
  EXPECT_EQ(load(), "one");
  EXPECT_EQ(load("rag"), "two");
  EXPECT_EQ(load("x"), "tokenizer_config.json: chat_template has no template "
                       "called \"x\", only \"default\", \"rag\"");
}

// An empty template is none: what else there is goes, and is named.
TEST_F(ChatTemplateFileTest, PassesEmptyTemplates) {
  write("tokenizer_config.json", R"({"chat_template": ""})");
  EXPECT_EQ(load(), "none");
  EXPECT_EQ(load("default"), "tokenizer_config.json: has no chat_template");
  write("chat_template.jinja", "");
  EXPECT_EQ(load(), "none");
  write("tokenizer_config.json", R"({"chat_template": "one"})");
  EXPECT_EQ(load(), "one");
  write("tokenizer_config.json",
        R"({"chat_template": [{"name": "default", "template": ""},
                              {"name": "rag", "template": "two"}]})");
  EXPECT_EQ(load(), "tokenizer_config.json: chat_template has no template "
                    "called \"default\", only \"rag\"");
  EXPECT_EQ(load("rag"), "two");
}

// As apply_chat_template of transformers gives them.
TEST(ChatTemplateTest, GivesToolsAndOtherValues) {
  std::string error;
  auto read = ChatTemplate::parse(
      "{{ tools is none }}{{ documents is none }}{{ enable_thinking is defined "
      "}}{{ tools | tojson }}{{ enable_thinking }}{{ effort }}{{ bos_token }}"
      "{% for m in messages %}{{ m | tojson }}{% endfor %}",
      "t", {{"bos_token", "<s>"}}, error);
  ASSERT_TRUE(read) << error;
  ChatMessage messages[] = {{"user", "Hi"}, {"assistant", "Yes.", "Hm."}};
  auto text = [&](const TemplateValues &values) {
    return read->render(messages, true, error, values).value_or(error);
  };
  std::string both = R"({"role": "user", "content": "Hi"})"
                     R"({"role": "assistant", "content": "Yes.", )"
                     R"("reasoning_content": "Hm."})";
  EXPECT_EQ(text({}), "TrueTrueFalsenull<s>" + both);
  EXPECT_EQ(text({R"([{"b": 1, "a": "é"}])", false, R"({"effort": "low"})"}),
            R"(FalseTrueTrue[{"b": 1, "a": "é"}]Falselow<s>)" + both);
  // Values that are said in their own way go before, special tokens behind.
  EXPECT_EQ(text({"[1]", true,
                  R"({"tools": [2], "messages": [], "enable_thinking": 3,
                      "documents": [4], "bos_token": "<b>"})"}),
            "FalseFalseTrue[1]True<b>" + both);
  EXPECT_EQ(text({"", {}, R"({"tools": [2], "enable_thinking": 3})"}),
            "FalseTrueTrue[2]3<s>" + both);
}

TEST(ChatTemplateTest, ChecksValues) {
  EXPECT_EQ(TemplateValues().problem(), "");
  EXPECT_EQ((TemplateValues{"[]", {}, "{}"}).problem(), "");
  EXPECT_EQ((TemplateValues{"{}", {}, ""}).problem(),
            "tools: expected a list of JSON");
  EXPECT_EQ((TemplateValues{"", {}, "[]"}).problem(),
            "others: expected an object of JSON");
  EXPECT_TRUE((TemplateValues{"[", {}, ""})
                  .problem()
                  .starts_with("tools: is not valid JSON: "));
}

TEST(ChatTemplateTest, SaysWhatItMentions) {
  std::string error;
  auto read = ChatTemplate::parse("{{ a_b }} x.c", "t", {}, error);
  ASSERT_TRUE(read) << error;
  EXPECT_TRUE(read->mentions("a_b"));
  EXPECT_TRUE(read->mentions("c"));
  EXPECT_FALSE(read->mentions("a"));
  EXPECT_FALSE(read->mentions("b"));
}

TEST(ChatTemplateTest, NamesTheTemplateThatPrintsNothing) {
  std::string error;
  auto read =
      ChatTemplate::parse("  {# c #}{% if 0 %}x{% endif %}", "t", {}, error);
  ASSERT_TRUE(read) << error;
  ChatMessage messages[] = {{"user", "Hi"}};
  EXPECT_FALSE(read->render(messages, true, error));
  EXPECT_EQ(error, "t: the messages rendered to no text");
}

TEST_F(ChatTemplateFileTest, NamesTheFile) {
  write("tokenizer_config.json", R"({"chat_template": 3})");
  EXPECT_EQ(load(), "tokenizer_config.json: chat_template is 3, expected "
                    "a string");
  write("tokenizer_config.json", R"({"chat_template": "{{ x.y }}"})");
  EXPECT_EQ(load(), "tokenizer_config.json: chat_template: line 1: 'x' is "
                    "undefined");
  write("tokenizer_config.json", "{");
  EXPECT_TRUE(load().starts_with("tokenizer_config.json: "));
  write("tokenizer_config.json", "{}");
  write("chat_template.jinja", "{{ 1");
  EXPECT_EQ(load(),
            "chat_template.jinja: line 1: a block has no end, expected }}");
}
