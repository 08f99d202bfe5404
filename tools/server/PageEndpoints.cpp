//===- PageEndpoints.cpp - The page and its explorer ----------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/PageEndpoints.h"
#include "tools/server/Explorer.h"
#include "tools/server/Page.h"

using namespace marimba;
using namespace marimba::server;

void server::page(Service &, const Call &call, Reply &reply) {
  const PageFile *file = findPageFile(call.path);
  if (!file)
    return reply.fail({.status = 404, .message = "the page has no such file"});
  for (auto [name, value] : pageHeaders())
    reply.headers.emplace_back(name, value);
  reply.headers.emplace_back("ETag", file->etag);
  reply.type = file->contentType;
  if (matchesTag(call.header("If-None-Match"), *file))
    reply.status = 304;
  else
    reply.body = file->bytes;
}

void server::exploreModel(Service &service, const Call &call, Reply &reply) {
  ExplorerAnswer answer =
      explore(service.explorer(), call.method, call.path, call.body);
  reply.status = answer.status;
  reply.body = std::move(answer.json);
}
