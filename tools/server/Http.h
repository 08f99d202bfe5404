//===- Http.h - A request and its reply, whatever carries them --*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_HTTP_H
#define MARIMBA_TOOLS_SERVER_HTTP_H

#include "tools/server/Json.h"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace marimba::server {

/// Who sent a request.
class Client {
public:
  virtual ~Client() = default;
  /// Waits until `event`, an eventfd, has something or `milliseconds` are over.
  /// False where the client went away: it closed the connection, or its half.
  virtual bool wait(int event, int milliseconds) = 0;
};

/// Where a reply goes that comes in pieces.
class Writer {
public:
  virtual ~Writer() = default;
  /// False where the client went away or does not read.
  virtual bool write(std::string_view text) = 0;
};

/// A request.
struct Call {
  std::string_view method; // "GET"
  std::string_view path;   // decoded: "/v1/models/x"
  /// What of the path is behind the endpoint's: "x".
  std::string_view rest;
  std::string_view body;
  Client &client;
  /// A header's value; empty where it is not there.
  std::function<std::string(const char *name)> header;
};

/// What comes back.
struct Reply {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  /// Writes the body in pieces, in place of `body`.
  std::function<void(Writer &)> stream;
  /// What is to be done when the client has all of it; may be null.
  std::function<void()> after;

  void json(const Json &value) { body = writeJson(value); }
  void fail(const ApiError &error) {
    status = error.status;
    type = "application/json";
    body = error.json();
    if (status == 429 || status == 503)
      headers.emplace_back("Retry-After", "1");
  }
};

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_HTTP_H
