//===- ChatTemplate.cpp - A conversation as a model expects it ------------===//

#include "marimba/ChatTemplate.h"

#include "../tokenizer/Field.h"
#include "../tokenizer/Unicode.h"
#include "Builtins.h"
#include "Interpreter.h"
#include "Parser.h"
#include "marimba/formats/JsonText.h"

#include "marimba/FileKind.h"
#include "marimba/InputFile.h"
#include "marimba/TextFile.h"

#include <algorithm>
#include <cctype>
#include <ctime>

namespace marimba::rt {

using jinja::Value;
using text::Field;
using text::FieldError;
using text::Json;

/// Longer than any real template by far.
static constexpr size_t kMaxBytes = size_t(1) << 20;

struct ChatTemplate::Impl {
  std::string name, source;
  jinja::Dict variables;
  jinja::Body body;

  std::optional<std::string> run(jinja::Dict given, std::string &error) const;
  /// `given` is of makeGiven().
  std::optional<std::string> runMessages(jinja::List messages,
                                         bool addGenerationPrompt,
                                         jinja::Dict given,
                                         std::string &error) const;
};

ChatTemplate::ChatTemplate(std::unique_ptr<Impl> impl)
    : impl(std::move(impl)) {}
ChatTemplate::~ChatTemplate() = default;

static std::string validUtf8(std::string_view bytes) {
  std::string text;
  text::appendLossyUtf8(bytes, text);
  return text;
}

std::unique_ptr<ChatTemplate> ChatTemplate::parse(std::string_view source,
                                                  std::string_view name,
                                                  Variables variables,
                                                  std::string &error) {
  error.clear();
  if (source.size() > kMaxBytes) {
    error = std::string(name) + ": the chat template has " +
            std::to_string(source.size()) + " bytes, expected at most " +
            std::to_string(kMaxBytes);
    return nullptr;
  }
  std::string problem = findUtf8Problem(source);
  if (problem.empty() && source.find('\0') != source.npos)
    problem = "holds zero bytes, expected a template in UTF-8";
  if (!problem.empty()) {
    error = std::string(name) + ": " + problem;
    return nullptr;
  }
  auto impl = std::make_unique<Impl>();
  impl->name = name;
  // Some editors put a mark of their own in front.
  constexpr std::string_view mark = "\ufeff";
  if (source.starts_with(mark))
    source.remove_prefix(mark.size());
  try {
    for (auto &[key, value] : variables)
      impl->variables.emplace_back(key, validUtf8(value));
    impl->body = jinja::Parser(source).parse();
    impl->source = source;
  } catch (const std::exception &exception) {
    error = impl->name + ": " + exception.what();
    return nullptr;
  }
  return std::unique_ptr<ChatTemplate>(new ChatTemplate(std::move(impl)));
}

std::optional<std::string> ChatTemplate::Impl::run(jinja::Dict given,
                                                   std::string &error) const {
  error.clear();
  try {
    jinja::Dict globals = jinja::makeGlobals(std::time(nullptr));
    globals.insert(globals.begin(), variables.begin(), variables.end());
    globals.insert(globals.begin(), std::make_move_iterator(given.begin()),
                   std::make_move_iterator(given.end()));
    return jinja::Interpreter(body, std::move(globals)).run();
  } catch (const std::exception &exception) {
    error = name + ": " + exception.what();
    return std::nullopt;
  }
}

/// `text` as a value of this kind; nothing, and `problem`, where it is none.
static std::optional<Value> parseValue(std::string_view text, Value::Kind kind,
                                       std::string &problem) {
  if (text.empty())
    return std::nullopt;
  bool isList = kind == Value::Kind::List;
  try {
    Value value = Value::fromJson(parseJsonText<nlohmann::ordered_json>(text));
    if (value.is(kind))
      return value;
    problem = isList ? "expected a list of JSON" : "expected an object of JSON";
  } catch (const std::exception &exception) {
    problem = std::string("is not valid JSON: ") + exception.what();
  }
  return std::nullopt;
}

std::string TemplateValues::problem() const {
  std::string problem;
  parseValue(tools, Value::Kind::List, problem);
  if (!problem.empty())
    return "tools: " + problem;
  parseValue(others, Value::Kind::Dict, problem);
  return problem.empty() ? "" : "others: " + problem;
}

bool ChatTemplate::mentions(std::string_view name) const {
  std::string_view source = impl->source;
  auto isOfWord = [&](size_t at) {
    return at < source.size() &&
           (std::isalnum(static_cast<unsigned char>(source[at])) ||
            source[at] == '_');
  };
  for (size_t at = 0; (at = source.find(name, at)) != source.npos; ++at)
    if (!isOfWord(at + name.size()) && (at == 0 || !isOfWord(at - 1)))
      return true;
  return false;
}

std::string_view ChatTemplate::source() const { return impl->source; }

/// What a template finds besides its variables, without the messages.
static jinja::Dict makeGiven(const TemplateValues &values) {
  std::string problem;
  // Absent tools and documents are none, not undefined.
  jinja::Dict given{{"messages", jinja::List()},
                    {"tools", Value::none()},
                    {"documents", Value::none()},
                    {"add_generation_prompt", false}};
  if (auto tools = parseValue(values.tools, Value::Kind::List, problem))
    given[1].second = *tools;
  if (values.thinks) {
    given.emplace_back("enable_thinking", *values.thinks);
    given.emplace_back("thinking", *values.thinks);
  }
  if (auto others = parseValue(values.others, Value::Kind::Dict, problem))
    for (const auto &[key, value] : others->asDict()) {
      auto known = std::find_if(
          given.begin(), given.end(),
          [&, &name = key](const auto &entry) { return entry.first == name; });
      if (known == given.end())
        given.emplace_back(key, value);
      else if (known->second.is(Value::Kind::None))
        known->second = value;
    }
  return given;
}

std::optional<std::string>
ChatTemplate::Impl::runMessages(jinja::List messages, bool addGenerationPrompt,
                                jinja::Dict given, std::string &error) const {
  bool any = !messages.empty();
  given[0].second = std::move(messages);
  given[3].second = addGenerationPrompt;
  std::optional<std::string> text = run(std::move(given), error);
  // A model would be given nothing of what was said.
  if (text && text->empty() && any) {
    error = name + ": the messages rendered to no text";
    return std::nullopt;
  }
  return text;
}

std::optional<std::string>
ChatTemplate::render(std::span<const ChatMessage> messages,
                     bool addGenerationPrompt, std::string &error,
                     const TemplateValues &values) const {
  jinja::List list;
  for (const ChatMessage &message : messages) {
    jinja::Dict fields{{"role", validUtf8(message.role)},
                       {"content", validUtf8(message.content)}};
    if (!message.reasoning.empty())
      fields.emplace_back("reasoning_content", validUtf8(message.reasoning));
    list.push_back(std::move(fields));
  }
  return impl->runMessages(std::move(list), addGenerationPrompt,
                           makeGiven(values), error);
}

struct TemplateInput::Impl {
  jinja::List messages;
  jinja::Dict given;
};

TemplateInput::TemplateInput(std::unique_ptr<Impl> impl)
    : impl(std::move(impl)) {}
TemplateInput::~TemplateInput() = default;

std::unique_ptr<TemplateInput>
TemplateInput::create(const nlohmann::ordered_json &messages,
                      const TemplateValues &values, std::string &error) {
  error = values.problem();
  if (!error.empty())
    return nullptr;
  try {
    Value value = Value::fromJson(messages);
    if (value.is(Value::Kind::List))
      return std::unique_ptr<TemplateInput>(new TemplateInput(
          std::make_unique<Impl>(Impl{value.asList(), makeGiven(values)})));
    error = "messages: expected a list";
  } catch (const std::exception &exception) {
    error = std::string("messages: ") + exception.what();
  }
  return nullptr;
}

size_t TemplateInput::messages() const { return impl->messages.size(); }

std::optional<std::string> ChatTemplate::render(const TemplateInput &input,
                                                size_t count,
                                                bool addGenerationPrompt,
                                                std::string &error) const {
  const jinja::List &all = input.impl->messages;
  count = std::min(count, all.size());
  return impl->runMessages(
      {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)},
      addGenerationPrompt, input.impl->given, error);
}

std::optional<std::string> ChatTemplate::renderJson(std::string_view json,
                                                    std::string &error) const {
  try {
    Value value = Value::fromJson(parseJsonText<nlohmann::ordered_json>(json));
    if (value.is(Value::Kind::Dict))
      return impl->run(value.asDict(), error);
    error = impl->name + ": expected an object to render";
  } catch (const std::exception &exception) {
    error = impl->name + ": " + exception.what();
  }
  return std::nullopt;
}

/// The whole of a file; throws where it cannot be read.
static std::string readFile(const std::filesystem::path &path) {
  std::string problem;
  std::optional<std::string> text = readWhole(path, kLongestText, problem);
  if (!text)
    throw FieldError(problem);
  if (std::string_view kind = fileKind(*text); !kind.empty())
    throw FieldError("is " + std::string(kind) + ", expected text");
  return *text;
}

/// The special tokens of tokenizer_config.json, or of special_tokens_map.json:
/// a text each, or an object with the text as `content`.
static void addSpecialTokens(const Field &config,
                             ChatTemplate::Variables &tokens) {
  for (const char *name : {"bos_token", "eos_token", "unk_token", "pad_token",
                           "sep_token", "cls_token", "mask_token"}) {
    std::optional<Field> field = config.find(name);
    bool known = std::any_of(tokens.begin(), tokens.end(),
                             [&](const auto &t) { return t.first == name; });
    if (field && !known)
      tokens.emplace_back(name, field->json().is_object()
                                    ? field->at("content").getString()
                                    : field->getString());
  }
}

namespace {
namespace fs = std::filesystem;

/// What a model's folder says of templates.
class TemplateFolder {
public:
  explicit TemplateFolder(const fs::path &folder) : folder(folder) {}

  /// The special tokens.
  void readVariables(ChatTemplate::Variables &tokens);
  /// Lists all templates, those that go before others first.
  void readTemplates();

  std::vector<NamedTemplate> templates;
  /// What is being read, for errors.
  fs::path reading;

private:
  bool has(const fs::path &name) const { return isThere(folder / name); }
  std::string read(const fs::path &name) {
    reading = folder / name;
    return readFile(reading);
  }
  /// Takes the member `chat_template` of a file of JSON: one text, a list of
  /// {name, template}, or an object of texts by name.
  void takeMember(const fs::path &name);

  fs::path folder;
};
} // namespace

void TemplateFolder::readVariables(ChatTemplate::Variables &tokens) {
  for (const char *name : {"tokenizer_config.json", "special_tokens_map.json"})
    if (has(name)) {
      Json json = text::parseJson(read(name));
      addSpecialTokens(Field(json), tokens);
    }
}

void TemplateFolder::takeMember(const fs::path &name) {
  if (!has(name))
    return;
  Json json = text::parseJson(read(name));
  std::optional<Field> field = Field(json).find("chat_template");
  if (!field)
    return;
  auto add = [&](std::string_view called, const Field &source) {
    templates.push_back({std::string(called), std::string(source.getString()),
                         reading.string() + ": chat_template"});
  };
  if (field->json().is_array())
    for (const Field &entry : field->items())
      add(entry.at("name").getString(), entry.at("template"));
  else if (field->json().is_object())
    for (const auto &[key, value] : field->json().items())
      add(key, field->at(key));
  else
    add("default", *field);
}

void TemplateFolder::readTemplates() {
  constexpr const char *own = "chat_template.jinja";
  if (has(own)) {
    std::string source = read(own);
    templates.push_back({"default", std::move(source), reading.string()});
  }
  std::vector<fs::path> others;
  std::error_code code;
  fs::path additional = folder / "additional_chat_templates";
  for (fs::directory_iterator entry(additional, code), end;
       !code && entry != end; entry.increment(code))
    if (entry->path().extension() == ".jinja")
      others.push_back(entry->path().filename());
  std::sort(others.begin(), others.end());
  for (const fs::path &name : others) {
    std::string source = read(additional.filename() / name);
    templates.push_back(
        {name.stem().string(), std::move(source), reading.string()});
  }
  takeMember("tokenizer_config.json");
  takeMember("chat_template.json");
}

std::unique_ptr<ChatTemplate>
ChatTemplate::choose(const std::vector<NamedTemplate> &templates,
                     const std::string &name, const std::string &place,
                     Variables variables, std::string &error) {
  error.clear();
  std::string wanted = name.empty() ? "default" : name, names;
  const NamedTemplate *last = nullptr;
  for (const NamedTemplate &one : templates) {
    // An empty one is a converter's way to say that there is none.
    if (one.source.empty())
      continue;
    if (one.name == wanted)
      return parse(one.source, one.place, std::move(variables), error);
    last = &one;
    std::string quoted = text::quote(one.name);
    if (names.find(quoted) == names.npos)
      names += (names.empty() ? "" : ", ") + quoted;
  }
  if (last)
    error = last->place + " has no template called " + text::quote(wanted) +
            ", only " + names;
  else if (!name.empty())
    error = place + ": has no chat_template";
  return nullptr;
}

std::unique_ptr<ChatTemplate> ChatTemplate::load(const fs::path &modelDir,
                                                 const std::string &name,
                                                 std::string &error) {
  error.clear();
  TemplateFolder folder(modelDir);
  Variables variables;
  try {
    folder.readVariables(variables);
    folder.readTemplates();
  } catch (const std::exception &exception) {
    error = folder.reading.string() + ": " + exception.what();
    return nullptr;
  }
  return choose(folder.templates, name,
                (modelDir / "tokenizer_config.json").string(),
                std::move(variables), error);
}

std::optional<ChatTemplate::Variables>
ChatTemplate::readVariables(const fs::path &modelDir, std::string &error) {
  TemplateFolder folder(modelDir);
  try {
    Variables variables;
    folder.readVariables(variables);
    return variables;
  } catch (const std::exception &exception) {
    error = folder.reading.string() + ": " + exception.what();
    return std::nullopt;
  }
}

} // namespace marimba::rt
