//===- Sessions.h - Conversations that have names ---------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_SESSIONS_H
#define MARIMBA_TOOLS_SERVER_SESSIONS_H

#include "tools/server/ChatCall.h"
#include "tools/server/Service.h"

#include <cstdint>
#include <string>
#include <vector>

namespace marimba::server {

/// Saves a conversation as `name`: its messages, with `answer` behind them
/// where that is not null, and the tokens `ids` of its prompt. What a reply
/// tells of it: {"id", "saved": true} or {"id", "saved": false, "error"}.
Json saveConversation(Service &service, const std::string &name,
                      const rt::ChatRequest &chat, Json answer,
                      std::vector<int32_t> ids,
                      std::vector<int64_t> boundaries);

/// Whether conversations can be saved; sets `error` where not.
bool checkSessions(const Service &service, ApiError &error);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_SESSIONS_H
