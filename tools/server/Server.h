//===- Server.h - A service that listens ------------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_SERVER_H
#define MARIMBA_TOOLS_SERVER_SERVER_H

#include "tools/server/HttpServer.h"
#include "tools/server/Service.h"

namespace marimba::server {

/// Answers calls that come to `socket` (Listener.h) until `ends`, which is
/// called in a thread of its own, returns. Answers that are not finished then
/// end with an error. False where some connection did not end in time: then
/// threads still use `service`.
bool serve(Service &service, int socket, HttpServer::Options options,
           const std::function<void()> &ends);

/// Makes room for so many open files, as far as the system lets. How many
/// connections that is good for.
size_t prepareFiles(size_t connections);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_SERVER_H
