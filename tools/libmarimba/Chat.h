//===- Chat.h - A conversation with a model ---------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_CHAT_H
#define MARIMBA_TOOLS_LIBMARIMBA_CHAT_H

#include "tools/libmarimba/LoadedModel.h"

#include "marimba/ChatTemplate.h"
#include "marimba/PrefixCache.h"
#include "marimba/Sampler.h"

namespace marimba {
namespace rt {
class SavedState;
class Tokenizer;
} // namespace rt

struct ChatOptions {
  rt::SamplerOptions sampler;
  /// An answer ends after so many tokens.
  int64_t maxTokens = 1024;
  /// Texts that end an answer and are no part of it.
  std::vector<std::string> stops;
  /// Stands in front of the conversation; empty for nothing.
  std::string system;
  rt::PrefixCache::Options cache;
};

/// What came of a question.
struct ChatTurn {
  enum class End { Model, Stop, Length, Interrupted };
  std::string answer; // without white space in front
  End end = End::Model;
  size_t reusedTokens = 0, readTokens = 0, newTokens = 0;
  double readSeconds = 0, answerSeconds = 0;
};

/// Messages and the state of one sequence that holds them (docs/chat.md).
class Chat {
public:
  /// `form` is null for a model without a template. The three must outlive
  /// this. Null and `error` where memory is short.
  static std::unique_ptr<Chat> create(LoadedModel &model,
                                      const rt::Tokenizer &tokenizer,
                                      const rt::ChatTemplate *form,
                                      const ChatOptions &options,
                                      std::string &error);

  /// Adds a question and its answer, which `onText` hears piece by piece, whole
  /// characters each. `goOn` is asked all the time; what was answered until it
  /// says no is kept as the answer, and no question stays where nothing was.
  /// False and `error` on failure: the messages are as before then.
  bool ask(llvm::StringRef question,
           llvm::function_ref<void(llvm::StringRef)> onText,
           llvm::function_ref<bool()> goOn, ChatTurn &turn, std::string &error);

  /// Takes the last question and its answer back; false where there is none.
  bool undo();
  /// Back to the beginning, without a loaded session.
  void reset();

  /// Saves messages and state to one file, or goes on from one, of any session
  /// of this model. On failure false and `error`, and nothing has changed.
  bool save(llvm::StringRef path, std::string &error);
  bool load(llvm::StringRef path, NoteFn note, std::string &error);

  /// The system's message, where there is one, and all others in turn.
  llvm::ArrayRef<rt::ChatMessage> messages() const { return history; }
  /// Tokens that the state holds.
  int64_t tokens() const { return session->length(0); }

private:
  Chat(LoadedModel &model, const rt::Tokenizer &tokenizer,
       const rt::ChatTemplate *form, const ChatOptions &options);
  /// All tokens of the conversation with the start of an answer.
  std::optional<std::vector<int32_t>> encode(std::string &error) const;
  bool answer(llvm::function_ref<void(llvm::StringRef)> onText,
              llvm::function_ref<bool()> goOn, std::string &answer,
              ChatTurn &turn, std::string &error);

  LoadedModel &model;
  const rt::Tokenizer &tokenizer;
  const rt::ChatTemplate *form;
  ChatOptions options;
  rt::Sampler sampler;
  std::unique_ptr<rt::Session> session;
  std::unique_ptr<rt::PrefixCache> cache;
  /// After the state's last token; empty where they are not known.
  std::vector<float> logits;
  /// Tokens of a loaded session that stand in front of the conversation.
  std::vector<int32_t> base;
  std::vector<rt::ChatMessage> history;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_CHAT_H
