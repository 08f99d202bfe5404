//===- Connection.h - One connection of a client ----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_CONNECTION_H
#define MARIMBA_TOOLS_SERVER_CONNECTION_H

#include "tools/server/Http.h"
#include "tools/server/RequestHead.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace marimba::server {

/// What a client may send, and how long it may take.
struct ConnectionLimits {
  size_t head = 32 * 1024; // bytes of the first line and the header
  size_t body = 16 * 1024 * 1024;
  size_t bodies = 256 * 1024 * 1024;         // of all clients at once
  std::chrono::milliseconds idle{5000};      // until a request begins
  std::chrono::milliseconds headTime{10000}; // of all of its header
  std::chrono::milliseconds bodyTime{60000}; // of all of its body
  std::chrono::milliseconds write{10000};    // of a piece of the reply
};

/// A request that has come, with all of its body.
struct RawRequest {
  std::string head; // RequestHead::text, and its empty line
  std::string body;
};

/// Reads whole requests from a socket, within limits, and writes replies. All
/// times are bounded: a client that says nothing, reads nothing or sends a byte
/// now and then holds its thread no longer.
class Connection : public Client {
public:
  /// `socket`, which does not block, is the caller's. `bodyBytes` is what all
  /// connections of a server have taken of limits.bodies.
  Connection(int socket, const ConnectionLimits &limits,
             std::atomic<size_t> &bodyBytes);
  ~Connection() override;

  int descriptor() const { return socket; }
  /// Whether the body behind a head is to be read; else sets the error.
  using Gate = std::function<bool(const RequestHead &, ApiError &)>;
  /// The next request. Nothing where none came; `error` is set where the client
  /// is to be told, and no more is to be read then. `mayRead` may be null.
  std::optional<RawRequest> readRequest(const Gate &mayRead, ApiError &error);
  /// False where the client went away, or does not read in time.
  bool write(std::string_view text);
  /// After the last reply: ends it so that the client reads what was written.
  void finish();

  bool wait(int event, int milliseconds) override;

private:
  using Clock = std::chrono::steady_clock;
  /// More bytes for `pending`; false at the end, and where there were none in
  /// time.
  bool receive(Clock::time_point deadline);
  /// Receives until `bytes` are there or nothing more comes, and reserves what
  /// has come. False and `error` where that is too much.
  bool receiveCounted(size_t bytes, Clock::time_point deadline,
                      ApiError &error);
  bool readBody(const RequestHead &head, std::string &body, ApiError &error);
  bool readChunks(std::string &body, Clock::time_point deadline,
                  ApiError &error);
  /// A line of a body in chunks, without its end.
  std::optional<std::string> readLine(Clock::time_point deadline);
  /// Takes more of limits.bodies.
  bool reserve(size_t bytes, ApiError &error);

  int socket;
  const ConnectionLimits &limits;
  std::atomic<size_t> &bodyBytes;
  size_t reserved = 0;
  std::string pending; // read, and of no request yet
};

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_CONNECTION_H
