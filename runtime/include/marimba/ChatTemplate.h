//===- ChatTemplate.h - A conversation as a model expects it ----*- C++ -*-===//
//
// The Jinja template that a checkpoint carries, in the subset that docs/chat.md
// describes. No exception leaves this interface.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_CHATTEMPLATE_H
#define MARIMBA_CHATTEMPLATE_H

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace marimba::rt {

/// One message of a conversation.
struct ChatMessage {
  std::string role; // "system", "user" or "assistant", in most templates
  std::string content;
  /// What was thought before that; templates find it as reasoning_content,
  /// unless it is empty.
  std::string reasoning = {};
};

/// What a template may use besides the messages, as apply_chat_template of
/// transformers takes it.
struct TemplateValues {
  std::string tools;          // JSON, a list of functions; empty: none
  std::optional<bool> thinks; // enable_thinking, which some call thinking
  std::string others;         // JSON, an object of any; empty: none

  /// What is wrong with the JSON: "tools: ..." or "others: ..."; empty where
  /// nothing is.
  std::string problem() const;
};

/// Messages of any form and values, read once, to be rendered several times.
class TemplateInput {
public:
  /// `messages` is a list of objects, with texts in UTF-8; `values` have no
  /// problem(). Null and `error` where that is not so.
  static std::unique_ptr<TemplateInput>
  create(const nlohmann::ordered_json &messages, const TemplateValues &values,
         std::string &error);
  ~TemplateInput();
  size_t messages() const;

private:
  friend class ChatTemplate;
  struct Impl;
  explicit TemplateInput(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// One of the templates of a model, not read yet.
struct NamedTemplate {
  std::string name;
  std::string source;
  std::string place; // of it, for errors: a file, a key
};

/// A template, read and ready to be used any number of times. Immutable.
class ChatTemplate {
public:
  /// Texts that a template may use by name, such as bos_token.
  using Variables = std::vector<std::pair<std::string, std::string>>;

  /// Reads the Jinja text `source`. On failure returns null and sets `error` to
  /// one line that begins with `name` and the line of what is wrong or not
  /// supported.
  static std::unique_ptr<ChatTemplate> parse(std::string_view source,
                                             std::string_view name,
                                             Variables variables,
                                             std::string &error);

  /// parse() of the first of `templates` called `name`, "default" where that is
  /// empty. Null without an error where there are none and none was asked for;
  /// null and `error`, which begins with `place` where there are none.
  static std::unique_ptr<ChatTemplate>
  choose(const std::vector<NamedTemplate> &templates, const std::string &name,
         const std::string &place, Variables variables, std::string &error);

  /// choose() among those of a model directory: chat_template.jinja, which is
  /// "default", additional_chat_templates/NAME.jinja, `chat_template` of
  /// tokenizer_config.json (a text, which is "default", or texts with names),
  /// then that of chat_template.json. The variables are those of
  /// readVariables().
  static std::unique_ptr<ChatTemplate>
  load(const std::filesystem::path &modelDir, const std::string &name,
       std::string &error);

  /// The special tokens that tokenizer_config.json of a model directory names
  /// (bos_token, eos_token, ...), and special_tokens_map.json where that is
  /// silent. Nothing and `error` where one cannot be read.
  static std::optional<Variables>
  readVariables(const std::filesystem::path &modelDir, std::string &error);

  ~ChatTemplate();
  ChatTemplate(const ChatTemplate &) = delete;
  ChatTemplate &operator=(const ChatTemplate &) = delete;

  /// The text of `messages`; with the start of an answer behind it where
  /// `addGenerationPrompt`. It spells out special tokens, so it is encoded
  /// without adding any. Nothing, and `error`, where the template does what is
  /// not supported, or refuses the conversation.
  std::optional<std::string> render(std::span<const ChatMessage> messages,
                                    bool addGenerationPrompt,
                                    std::string &error,
                                    const TemplateValues &values = {}) const;

  /// The same of the first `count` messages of `input`.
  std::optional<std::string> render(const TemplateInput &input, size_t count,
                                    bool addGenerationPrompt,
                                    std::string &error) const;

  /// Whether `name` is a word of the template.
  bool mentions(std::string_view name) const;
  /// The Jinja text.
  std::string_view source() const;

  /// As render(), of anything: `json` is an object of what the template may use
  /// besides its variables, such as "messages" and "tools".
  std::optional<std::string> renderJson(std::string_view json,
                                        std::string &error) const;

private:
  struct Impl;
  explicit ChatTemplate(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace marimba::rt

#endif // MARIMBA_CHATTEMPLATE_H
