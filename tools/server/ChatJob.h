//===- ChatJob.h - Messages that are being answered -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_CHATJOB_H
#define MARIMBA_TOOLS_SERVER_CHATJOB_H

#include "tools/server/Answers.h"
#include "tools/server/Chances.h"
#include "tools/server/ChatCall.h"

#include "marimba/AnswerParts.h"

#include <deque>
#include <memory>
#include <vector>

namespace marimba::server {

/// An answer as far as it has come.
struct ChatChoice {
  explicit ChatChoice(rt::AnswerParts::Options options)
      : parts(std::move(options)) {}

  rt::AnswerParts parts;
  rt::AnswerMessage message;
  Json chances = Json::array(); // of its tokens, where they are wanted
  rt::AnswerEnd end = rt::AnswerEnd::Model;
  rt::RequestUsage usage;
  size_t reasoningTokens = 0;
  size_t tokens = 0; // so far
  bool hasAnswered = false;

  /// "stop", "length" or "tool_calls"
  const char *finishReason() const;
};

/// Hears of answers. False ends them: nobody reads any more.
class ChatListener {
public:
  virtual ~ChatListener() = default;
  virtual bool reading(size_t done, size_t total) {
    return (void)done, (void)total, true;
  }
  /// Nothing came for some seconds.
  virtual bool waits() { return true; }
  /// What came of answer number `choice` of a token, maybe nothing; `chances`
  /// is an entry for it, or null.
  virtual bool heard(size_t choice, std::vector<rt::AnswerEvent> &events,
                     Json *chances) {
    return (void)choice, (void)events, (void)chances, true;
  }
  virtual bool finished(size_t choice) { return (void)choice, true; }
  /// Nothing more has come by now.
  virtual bool flush() { return true; }
};

/// One call of an endpoint that answers messages.
class ChatJob {
public:
  /// Null and `error` where the request is not allowed or not accepted.
  static std::unique_ptr<ChatJob> begin(Service &service, ChatCall call,
                                        ApiError &error);

  /// Until all answers are there. False, and `error`, on failure; an empty
  /// message where nobody reads any more.
  bool run(Client &client, ChatListener &listener, ApiError &error);

  const std::deque<ChatChoice> &choices() const { return all; }
  /// Saves the conversation, where the request says so: what a reply tells of
  /// it, else null.
  Json save();
  /// Has the answer read as the next turn will have it, while nobody asks.
  void readAhead();
  /// Of all answers together; OpenAI's usage.
  Json usage() const;
  const ChatCall &request() const { return call; }

private:
  ChatJob(Service &service, ChatCall call)
      : service(service), call(std::move(call)) {}
  bool take(AnswerPiece &piece, ChatListener &listener);

  Service &service;
  ChatCall call;
  rt::ChatPrompt prompt;
  std::deque<ChatChoice> all;
  std::unique_ptr<Answers> answers;
};

/// An answer as a message of OpenAI's.
Json messageJson(const rt::AnswerMessage &message);

/// {"prompt_tokens", ...} as OpenAI's clients read it.
Json usageJson(const rt::RequestUsage &usage, size_t reasoningTokens);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_CHATJOB_H
