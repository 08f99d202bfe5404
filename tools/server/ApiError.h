//===- ApiError.h - What is wrong with a request ----------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_APIERROR_H
#define MARIMBA_TOOLS_SERVER_APIERROR_H

#include <string>
#include <string_view>

namespace marimba::server {

/// An error as OpenAI's clients read it.
struct ApiError {
  int status = 400; // of HTTP
  std::string message;
  /// The member of the request that it is about, "messages[3].role"; may be
  /// empty, as the code.
  std::string param = {}, code = {};

  /// {"error": {"message", "type", "param", "code"}}
  std::string json() const;
  /// What OpenAI calls errors of this status: "invalid_request_error".
  std::string_view type() const;
};

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_APIERROR_H
