//===- ChatCall.h - What asks for an answer to messages ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_CHATCALL_H
#define MARIMBA_TOOLS_SERVER_CHATCALL_H

#include "tools/server/AnswerFields.h"
#include "tools/server/OutputForm.h"

#include "marimba/ChatPrompt.h"

namespace marimba::server {

/// A request for an answer to messages, of whichever endpoint.
struct ChatCall {
  rt::ChatRequest chat;
  AnswerFields answer;
  OutputForm form;
  bool parallelCalls = true; // an answer may have several
  /// Under which name the conversation is saved; empty for none.
  std::string session;
};

/// Reads a member that is the name of a session (rt::checkSessionName());
/// nothing where it is not there.
std::optional<std::string> readSessionName(Fields &fields,
                                           std::string_view name);

/// Reads `messages`, `tools`, `tool_choice` and what else templates use.
void readMessages(Fields &fields, rt::ChatRequest &chat);

/// That of /v1/chat/completions. Nothing, and `error`, where it is not allowed;
/// what is in messages and tools is looked at by rt::ChatForm.
std::optional<ChatCall>
parseChatCompletion(const Json &body, const rt::GenerationDefaults &defaults,
                    ApiError &error);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_CHATCALL_H
