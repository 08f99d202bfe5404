//===- Stream.h - Replies as server-sent events -----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_STREAM_H
#define MARIMBA_TOOLS_SERVER_STREAM_H

#include "tools/server/Http.h"

#include <functional>
#include <string>
#include <string_view>

namespace marimba::server {

/// Writes server-sent events, which go out together with flush() and at the
/// end. All functions return false where nobody reads any more.
class EventStream {
public:
  explicit EventStream(Writer &writer) : writer(writer) {}

  /// An event without a name: "data: ...".
  bool data(const Json &value) { return line(writeJson(value)); }
  bool line(std::string_view text);
  bool named(std::string_view event, const Json &value);
  /// What every client ignores.
  bool comment(std::string_view text);
  /// The error, where it has a message; what ends a stream then.
  bool fail(const ApiError &error);
  /// To be called before waiting for more.
  bool flush();

private:
  bool add(std::string_view text);

  Writer &writer;
  std::string pending;
  bool good = true;
};

/// Makes `reply` one whose events `write` writes.
void beginEvents(Reply &reply, std::function<void(EventStream &)> write);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_STREAM_H
