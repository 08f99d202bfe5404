//===- ChatTemplate.cpp - A conversation as a model expects it ------------===//

#include "marimba/ChatTemplate.h"

#include "../core/JsonText.h"
#include "Field.h"
#include "Unicode.h"
#include "jinja/Builtins.h"
#include "jinja/Interpreter.h"
#include "jinja/Parser.h"

#include "marimba/InputFile.h"

#include <ctime>

namespace marimba::rt {

using jinja::Value;
using text::Field;
using text::FieldError;
using text::Json;

/// Longer than any real template by far.
static constexpr size_t kMaxBytes = size_t(1) << 20;

struct ChatTemplate::Impl {
  std::string name;
  jinja::Dict variables;
  jinja::Body body;

  std::optional<std::string> run(jinja::Dict given, std::string &error) const;
};

ChatTemplate::ChatTemplate(std::unique_ptr<Impl> impl)
    : impl(std::move(impl)) {}
ChatTemplate::~ChatTemplate() = default;

static std::string validUtf8(std::string_view bytes) {
  std::string text;
  text::appendLossyUtf8(bytes, text);
  return text;
}

std::unique_ptr<ChatTemplate>
ChatTemplate::parse(std::string_view source, std::string_view name,
                    std::vector<std::pair<std::string, std::string>> variables,
                    std::string &error) {
  error.clear();
  if (source.size() > kMaxBytes) {
    error = std::string(name) + ": the chat template has " +
            std::to_string(source.size()) + " bytes, expected at most " +
            std::to_string(kMaxBytes);
    return nullptr;
  }
  auto impl = std::make_unique<Impl>();
  impl->name = name;
  try {
    for (auto &[key, value] : variables)
      impl->variables.emplace_back(key, validUtf8(value));
    impl->body = jinja::Parser(validUtf8(source)).parse();
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

std::optional<std::string>
ChatTemplate::render(std::span<const ChatMessage> messages,
                     bool addGenerationPrompt, std::string &error) const {
  jinja::List list;
  for (const ChatMessage &message : messages)
    list.push_back(jinja::Dict{{"role", validUtf8(message.role)},
                               {"content", validUtf8(message.content)}});
  return impl->run({{"messages", std::move(list)},
                    {"add_generation_prompt", addGenerationPrompt}},
                   error);
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
  return *text;
}

/// The special tokens of tokenizer_config.json: a text each, or an object with
/// the text as `content`.
static std::vector<std::pair<std::string, std::string>>
specialTokens(const Field &config) {
  std::vector<std::pair<std::string, std::string>> tokens;
  for (const char *name : {"bos_token", "eos_token", "unk_token", "pad_token",
                           "sep_token", "cls_token", "mask_token"})
    if (std::optional<Field> field = config.find(name))
      tokens.emplace_back(name, field->json().is_object()
                                    ? field->at("content").getString()
                                    : field->getString());
  return tokens;
}

/// The template called `name` of a list of {name, template}.
static std::string chooseTemplate(const Field &list, const std::string &name) {
  std::string names;
  for (const Field &entry : list.items()) {
    if (entry.at("name").getString() == name)
      return std::string(entry.at("template").getString());
    (names += names.empty() ? "" : ", ") +=
        text::quote(entry.at("name").getString());
  }
  list.fail("has no template called " + text::quote(name) + ", only " +
            (names.empty() ? "none" : names));
}

std::unique_ptr<ChatTemplate>
ChatTemplate::load(const std::filesystem::path &modelDir,
                   const std::string &name, std::string &error) {
  namespace fs = std::filesystem;
  error.clear();
  fs::path config = modelDir / "tokenizer_config.json";
  fs::path file = modelDir / "chat_template.jinja";
  std::vector<std::pair<std::string, std::string>> tokens;
  std::string source;
  fs::path read = config;
  try {
    bool hasFile = name.empty() && isThere(file);
    bool found = hasFile;
    if (isThere(config)) {
      Json json = parseJsonText(readFile(config));
      Field root(json);
      tokens = specialTokens(root);
      std::optional<Field> field;
      if (!hasFile && (field = root.find("chat_template"))) {
        found = true;
        bool list = field->json().is_array();
        if (!list && !name.empty())
          field->fail("is one text, without a template called " +
                      text::quote(name));
        source = list ? chooseTemplate(*field, name.empty() ? "default" : name)
                      : std::string(field->getString());
      }
    }
    if (hasFile) {
      read = file;
      source = readFile(file);
    }
    if (!found) {
      if (!name.empty())
        error = config.string() + ": has no chat_template";
      return nullptr;
    }
  } catch (const std::exception &exception) {
    error = read.string() + ": " + exception.what();
    return nullptr;
  }
  std::string place = read.string() + (read == config ? ": chat_template" : "");
  return parse(source, place, std::move(tokens), error);
}

} // namespace marimba::rt
