//===- Chat.h - A conversation with a model ---------------------*- C++ -*-===//

#ifndef MARIMBA_RUNTIME_CHAT_H
#define MARIMBA_RUNTIME_CHAT_H

#include "marimba/AnswerText.h"
#include "marimba/ChatTemplate.h"
#include "marimba/PrefixCache.h"
#include "marimba/ReadyModel.h"
#include "marimba/Sampler.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::rt {

class Tokenizer;

struct ChatOptions {
  SamplerOptions sampler;
  /// An answer ends after so many tokens.
  int64_t maxTokens = 1024;
  /// Texts that end an answer and are no part of it.
  std::vector<std::string> stops;
  /// Stands in front of the conversation; empty for nothing.
  std::string system;
  /// What the template is given besides the messages.
  TemplateValues values;
  /// Thoughts are not heard as they come.
  bool hidesThoughts = false;
  PrefixCache::Options cache;
};

/// What came of a question.
struct ChatTurn {
  std::string answer; // without thoughts, and white space in front
  std::string thoughts;
  AnswerEnd end = AnswerEnd::Model;
  size_t reusedTokens = 0, readTokens = 0, newTokens = 0;
  double readSeconds = 0, answerSeconds = 0;
};

/// Messages and the state of one sequence that holds them (docs/chat.md).
class Chat {
public:
  using TextFn = std::function<void(std::string_view)>;

  /// `form` is null for a model without a template. The three must outlive
  /// this. Null and `error` where memory is short.
  static std::unique_ptr<Chat> create(const ReadyModel &model,
                                      const Tokenizer &tokenizer,
                                      const ChatTemplate *form,
                                      const ChatOptions &options,
                                      std::string &error);

  /// Adds a question and its answer, which `onText` hears piece by piece, whole
  /// characters each, thoughts with their marks in front. `goOn` is asked all
  /// the time; what was answered until it says no is kept as the answer, and no
  /// question stays where nothing was. False and `error` on failure: the
  /// messages are as before then.
  bool ask(std::string_view question, const TextFn &onText,
           const std::function<bool()> &goOn, ChatTurn &turn,
           std::string &error);

  /// Takes the last question and its answer back; false where there is none.
  bool undo();
  /// Back to the beginning, without a loaded session.
  void reset();

  /// Saves messages and state to one file, or goes on from one, of any session
  /// of this model. On failure false and `error`, and nothing has changed.
  bool save(const std::string &path, std::string &error);
  bool load(const std::string &path,
            const std::function<void(const std::string &)> &note,
            std::string &error);

  /// The system's message, where there is one, and all others in turn.
  const std::vector<ChatMessage> &messages() const { return history; }
  /// Tokens that the state holds.
  int64_t tokens() const { return session->length(0); }

private:
  Chat(const ReadyModel &model, const Tokenizer &tokenizer,
       const ChatTemplate *form, const ChatOptions &options);
  /// All tokens of the conversation with the start of an answer; whether that
  /// begins thoughts.
  std::optional<std::vector<int32_t>> encode(bool &begunThoughts,
                                             std::string &error) const;
  bool answer(const TextFn &onText, const std::function<bool()> &goOn,
              std::string &answer, ChatTurn &turn, std::string &error);

  const ReadyModel &model;
  const Tokenizer &tokenizer;
  const ChatTemplate *form;
  ChatOptions options;
  Sampler sampler;
  std::unique_ptr<Session> session;
  std::unique_ptr<PrefixCache> cache;
  /// After the state's last token; empty where they are not known.
  std::vector<float> logits;
  /// Tokens of a loaded session that stand in front of the conversation.
  std::vector<int32_t> base;
  std::vector<ChatMessage> history;
};

} // namespace marimba::rt

#endif // MARIMBA_RUNTIME_CHAT_H
