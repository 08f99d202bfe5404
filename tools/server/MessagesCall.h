//===- MessagesCall.h - A request of Anthropic's messages -------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_MESSAGESCALL_H
#define MARIMBA_TOOLS_SERVER_MESSAGESCALL_H

#include "tools/server/ChatCall.h"

namespace marimba::server {

/// That of Anthropic's /v1/messages, as messages of OpenAI's kind. Nothing, and
/// `error`, where it is not allowed. `counts`: only tokens are to be counted.
std::optional<ChatCall> parseMessages(const Json &body,
                                      const rt::GenerationDefaults &defaults,
                                      bool counts, ApiError &error);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_MESSAGESCALL_H
