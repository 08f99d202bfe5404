//===- HttpExchange.h - HTTP by cpp-httplib ---------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_HTTPEXCHANGE_H
#define MARIMBA_TOOLS_SERVER_HTTPEXCHANGE_H

#include "tools/server/Connection.h"

#include <functional>
#include <memory>

namespace marimba::server {

/// Turns requests into calls and replies into what goes over a connection. For
/// one thread.
class HttpExchange {
public:
  explicit HttpExchange(
      const std::function<void(const Call &, Reply &)> &handler);
  ~HttpExchange();

  /// Answers one request; false where no other may follow on this connection.
  bool answer(Connection &connection, const RawRequest &request);

private:
  class Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_HTTPEXCHANGE_H
