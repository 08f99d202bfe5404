//===- ChatTemplate.h - A conversation as a model expects it ----*- C++ -*-===//
//
// The Jinja template that a checkpoint carries, in the subset that docs/chat.md
// describes. No exception leaves this interface.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_CHATTEMPLATE_H
#define MARIMBA_CHATTEMPLATE_H

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
};

/// A template, read and ready to be used any number of times. Immutable.
class ChatTemplate {
public:
  /// Reads the Jinja text `source`. `variables` are texts that it may use, such
  /// as bos_token. On failure returns null and sets `error` to one line that
  /// begins with `name` and the line of what is wrong or not supported.
  static std::unique_ptr<ChatTemplate>
  parse(std::string_view source, std::string_view name,
        std::vector<std::pair<std::string, std::string>> variables,
        std::string &error);

  /// The template of a model directory: chat_template.jinja, else
  /// `chat_template` of tokenizer_config.json, a text or a list of texts with
  /// names, of which the one called `name` ("default" where that is empty) is
  /// taken. Its variables are the special tokens of tokenizer_config.json.
  /// Returns null where there is none, and then `error` is empty unless `name`
  /// is not; null and `error` where it cannot be read.
  static std::unique_ptr<ChatTemplate>
  load(const std::filesystem::path &modelDir, const std::string &name,
       std::string &error);

  ~ChatTemplate();
  ChatTemplate(const ChatTemplate &) = delete;
  ChatTemplate &operator=(const ChatTemplate &) = delete;

  /// The text of `messages`; with the start of an answer behind it where
  /// `addGenerationPrompt`. It spells out special tokens, so it is encoded
  /// without adding any. Nothing, and `error`, where the template does what is
  /// not supported, or refuses the conversation.
  std::optional<std::string> render(std::span<const ChatMessage> messages,
                                    bool addGenerationPrompt,
                                    std::string &error) const;

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
