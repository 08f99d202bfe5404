//===- Status.cpp - /v1/models, /health, /metrics -------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Endpoints.h"

using namespace marimba;
using namespace marimba::server;

void server::models(Service &service, const Call &call, Reply &reply) {
  const rt::ReadyModel &model = service.model();
  Json one = {{"id", model.name()},
              {"object", "model"},
              {"created", service.created},
              {"owned_by", "marimba"},
              {"context_length", service.options.context},
              {"vocabulary", model.vocabulary()}};
  if (call.rest.empty())
    return reply.json({{"object", "list"}, {"data", Json::array({one})}});
  if (call.rest != model.name())
    return reply.fail(
        {.status = 404,
         .message = "there is no such model, only " + model.name(),
         .param = "model",
         .code = "model_not_found"});
  reply.json(one);
}

void server::health(Service &, const Call &, Reply &reply) {
  reply.json({{"status", "ok"}});
}

void server::metrics(Service &service, const Call &, Reply &reply) {
  reply.type = "text/plain; version=0.0.4; charset=utf-8";
  reply.body = service.metrics().text(service.loop().counters());
}
