//===- Listener.h - A socket that connections come from ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_LISTENER_H
#define MARIMBA_TOOLS_SERVER_LISTENER_H

#include <cstdint>
#include <string>

namespace marimba::server {

/// Whether only programs of this machine reach `host`: an address of it, or
/// "localhost".
bool isLoopback(const std::string &host);

/// A socket that listens on `host`, a name or an address, and `port`; 0: any
/// free one, which `port` becomes. -1 and `error`, which names both, where that
/// is not possible.
int listenOn(const std::string &host, uint16_t &port, std::string &error);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_LISTENER_H
