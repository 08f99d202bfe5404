//===- RequestHead.h - The first lines of a request -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_REQUESTHEAD_H
#define MARIMBA_TOOLS_SERVER_REQUESTHEAD_H

#include "tools/server/ApiError.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace marimba::server {

/// The line and the header of a request, by RFC 9112 and no looser: what two
/// programs on the way could read differently is refused.
struct RequestHead {
  /// Without the lines that say how the body comes and in which form the reply
  /// is wanted (ranges, compression), and without the empty line.
  std::string text;
  size_t length = 0;    // of the body, where it is not chunked
  bool chunked = false; // the body comes in chunks
  bool waits = false;   // for "100 Continue"

  bool hasBody() const { return chunked || length > 0; }
  /// Of the first line: the path, as it was sent.
  std::string_view path() const;
  /// A header's value, the first of this name; empty where it is not there.
  std::string value(std::string_view name) const;

  /// `head` with its empty line. Nothing, and `error`, where it is not allowed.
  static std::optional<RequestHead> parse(std::string_view head,
                                          ApiError &error);
};

/// The size of a chunk from its line, without the line's end; nothing where it
/// is none.
std::optional<size_t> parseChunkSize(std::string_view line);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_REQUESTHEAD_H
