//===- Router.cpp - Which endpoint answers a call -------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Router.h"
#include "tools/server/Endpoints.h"
#include "tools/server/PageEndpoints.h"

#include <algorithm>

using namespace marimba;
using namespace marimba::server;

namespace {
struct Route {
  std::string_view method, path;
  void (*answer)(Service &service, const Call &call, Reply &reply);
  bool open = false;   // to everybody, without a key
  bool prefix = false; // and to all paths that go on
};
} // namespace

static constexpr Route kRoutes[] = {
    {"POST", "/v1/chat/completions", chatCompletions},
    {"POST", "/v1/completions", completions},
    {"POST", "/v1/responses", responses},
    {"POST", "/v1/messages", messages},
    {"POST", "/v1/messages/count_tokens", countTokens},
    {"POST", "/v1/embeddings", embeddings},
    {"GET", "/v1/models", models},
    {"GET", "/v1/models/", models, false, true},
    {"GET", "/v1/sessions", listSessions},
    {"POST", "/v1/sessions", makeSession},
    {"GET", "/v1/sessions/", showSession, false, true},
    {"DELETE", "/v1/sessions/", deleteSession, false, true},
    {"POST", "/tokenize", tokenize},
    {"POST", "/detokenize", detokenize},
    {"GET", "/health", health, true},
    {"GET", "/metrics", metrics},
    {"GET", "/", page, true},
    {"GET", "/page/", page, true, true},
    {"GET", "/explorer/", exploreModel, false, true},
    {"POST", "/explorer/", exploreModel, false, true},
};

/// "localhost" of "localhost:8080", "::1" of "[::1]:8080"
static std::string hostName(const std::string &host) {
  if (host.starts_with('['))
    return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool server::isOwnOrigin(const std::string &host, const std::string &origin,
                         const std::string &listens, bool onLoopback) {
  if (!origin.empty() && origin != "http://" + host &&
      origin != "https://" + host)
    return false;
  // A name of elsewhere may lead here, too.
  std::string name = hostName(host);
  return host.empty() || !onLoopback || name == "localhost" ||
         name == listens || name == "127.0.0.1" || name == "::1";
}

using Headers = std::function<std::string(const char *name)>;

static std::string keyOf(const Headers &headers) {
  std::string header = headers("Authorization");
  if (header.starts_with("Bearer "))
    return header.substr(7);
  return header.empty() ? headers("x-api-key") : header;
}

/// Whether who asks may do so; else sets `error`.
static bool mayAsk(const Service &service, const Headers &headers, bool open,
                   ApiError &error) {
  const ApiKeys &keys = service.options.keys;
  // A page of elsewhere has no key, and a proxy in front may have other names.
  bool isForeign = !isOwnOrigin(headers("Host"), headers("Origin"),
                                service.options.host, service.onLoopback) ||
                   (!open && headers("Sec-Fetch-Site") == "cross-site");
  if (keys.none() && isForeign) {
    error = {.status = 403,
             .message = "Host or Origin: expected those of this server"};
    return false;
  }
  if (open || keys.none() || keys.accept(keyOf(headers)))
    return true;
  error = {.status = 401,
           .message = "Authorization: expected \"Bearer KEY\" with a key of "
                      "this server",
           .code = "invalid_api_key"};
  return false;
}

bool server::mayReadBody(Service &service, const RequestHead &head,
                         ApiError &error) {
  std::string_view path = head.path();
  path = path.substr(0, path.find('?'));
  bool open = std::ranges::any_of(kRoutes, [&](const Route &route) {
    return route.open &&
           (route.prefix ? path.starts_with(route.path) : path == route.path);
  });
  if (mayAsk(
          service, [&](const char *name) { return head.value(name); }, open,
          error))
    return true;
  service.metrics().countCall("other", error.status);
  return false;
}

void server::answerCall(Service &service, const Call &call, Reply &reply) {
  const Route *found = nullptr;
  bool isPath = false;
  std::string_view method = call.method == "HEAD" ? "GET" : call.method;
  for (const Route &route : kRoutes) {
    if (route.prefix
            ? !call.path.starts_with(route.path) || call.path == route.path
            : call.path != route.path)
      continue;
    isPath = true;
    if (route.method == method)
      found = &route;
  }
  ApiError error;
  if (!mayAsk(service, call.header, found && found->open, error)) {
    reply.fail(error);
  } else if (found) {
    Call inner = call;
    inner.rest = call.path.substr(found->path.size());
    found->answer(service, inner, reply);
  } else {
    // What was asked may have anything in it.
    std::string what(call.method.substr(0, 16));
    what += " " + std::string(call.path.substr(0, 128));
    reply.fail({.status = isPath ? 405 : 404,
                .message = what + (isPath ? ": not with this method"
                                          : ": there is no such endpoint"),
                .code = "unknown_url"});
  }
  reply.headers.emplace_back("X-Content-Type-Options", "nosniff");
  service.metrics().countCall(found ? found->path : "other", reply.status);
}
