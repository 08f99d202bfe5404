//===- ResponsesCall.h - A request of OpenAI's responses --------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_RESPONSESCALL_H
#define MARIMBA_TOOLS_SERVER_RESPONSESCALL_H

#include "tools/server/ChatCall.h"

namespace marimba::server {

/// That of /v1/responses, as messages. Nothing, and `error`, where it is not
/// allowed. Nothing is kept between calls: what refers to earlier ones is
/// refused.
std::optional<ChatCall> parseResponse(const Json &body,
                                      const rt::GenerationDefaults &defaults,
                                      ApiError &error);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_RESPONSESCALL_H
