//===- Router.h - Which endpoint answers a call -----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_ROUTER_H
#define MARIMBA_TOOLS_SERVER_ROUTER_H

#include "tools/server/Http.h"
#include "tools/server/RequestHead.h"
#include "tools/server/Service.h"

#include <cstdint>

namespace marimba::server {

/// Finds the endpoint of a call, checks who asks, and has it answered.
void answerCall(Service &service, const Call &call, Reply &reply);

/// Whether who sent `head` may use the endpoint: else sets `error`, and what it
/// sends behind is not worth the memory.
bool mayReadBody(Service &service, const RequestHead &head, ApiError &error);

/// Whether a call of `host`, its Host header, comes from a page of this server
/// or from a program: a page of another place that a browser shows may send
/// requests, too, in the name of its user. `origin` is that header, `listens`
/// what the server listens on, `onLoopback` whether only this machine reaches
/// that.
bool isOwnOrigin(const std::string &host, const std::string &origin,
                 const std::string &listens, bool onLoopback);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_ROUTER_H
