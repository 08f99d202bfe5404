//===- Sessions.cpp - /v1/sessions ----------------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Sessions.h"
#include "tools/server/Answers.h"
#include "tools/server/Endpoints.h"
#include "tools/server/Requests.h"

#include "marimba/KeptFile.h"
#include "marimba/formats/JsonText.h"
#include <algorithm>

using namespace marimba;
using namespace marimba::server;

bool server::checkSessions(const Service &service, ApiError &error) {
  if (service.loop().hasSessions())
    return true;
  setError(error, "session",
           "no sessions are kept here; expected a server with --sessions",
           "no_sessions");
  return false;
}

Json server::saveConversation(Service &service, const std::string &name,
                              const rt::ChatRequest &chat, Json answer,
                              std::vector<int32_t> ids,
                              std::vector<int64_t> boundaries) {
  Json kept = {{"messages", chat.messages}, {"saved_at", Service::now()}};
  if (!answer.is_null())
    kept["messages"].push_back(std::move(answer));
  if (!chat.tools.is_null())
    kept["tools"] = chat.tools;
  std::string problem;
  if (service.loop().saveSession(name, std::move(ids), std::move(boundaries),
                                 writeJson(kept), problem))
    return {{"id", name}, {"saved", true}};
  return {{"id", name}, {"saved", false}, {"error", problem}};
}

static Json describe(const std::string &name, size_t tokens,
                     const std::string &attachment, bool withMessages) {
  Json result = {{"id", name}, {"object", "session"}, {"tokens", tokens}};
  Json kept;
  try {
    kept = rt::parseJsonText<Json>(attachment);
  } catch (const std::exception &) { // of another program
    return result;
  }
  if (!kept.is_object())
    return result;
  result["created"] = kept.value("saved_at", Json());
  if (withMessages)
    for (const char *member : {"messages", "tools"})
      if (kept.contains(member))
        result[member] = kept[member];
  return result;
}

static ApiError describe(std::string problem, int status) {
  return {.status = status, .message = std::move(problem), .param = "id"};
}

void server::listSessions(Service &service, const Call &, Reply &reply) {
  Json list = Json::array();
  for (const rt::SessionInfo &one : service.loop().sessions())
    list.push_back(describe(one.name, one.tokens, one.attachment,
                            /*withMessages=*/false));
  reply.json({{"object", "list"},
              {"data", std::move(list)},
              {"kept", service.loop().hasSessions()}});
}

/// The name that stands in a path; nothing, with the error told, where none
/// does, or nothing is kept.
static std::optional<std::string> nameOf(Service &service, const Call &call,
                                         Reply &reply) {
  ApiError error;
  std::string name(call.rest), problem;
  if (!checkSessions(service, error)) {
    reply.fail(error);
    return std::nullopt;
  }
  if (rt::checkSessionName(name, problem))
    return name;
  reply.fail(describe(problem, 404));
  return std::nullopt;
}

void server::showSession(Service &service, const Call &call, Reply &reply) {
  std::optional<std::string> name = nameOf(service, call, reply);
  if (!name)
    return;
  std::string problem;
  std::optional<rt::KeptSession> kept = service.loop().session(*name, problem);
  if (!kept)
    return reply.fail(describe(problem, 404));
  reply.json(describe(kept->name, kept->ids.size(), kept->attachment,
                      /*withMessages=*/true));
}

void server::deleteSession(Service &service, const Call &call, Reply &reply) {
  std::optional<std::string> name = nameOf(service, call, reply);
  if (!name)
    return;
  std::string problem;
  if (!service.loop().deleteSession(*name, problem))
    return reply.fail(describe(problem, 404));
  reply.json({{"id", *name}, {"object", "session.deleted"}, {"deleted", true}});
}

/// Reads messages, mostly what was read before, and saves.
static void saveMessages(Service &service, const std::string &name,
                         const rt::ChatRequest &chat, Client &client,
                         Reply &reply) {
  std::string problem;
  std::optional<rt::ChatPrompt> prompt = service.form().prompt(chat, problem);
  if (!prompt)
    return reply.fail({.message = problem, .param = "messages"});
  ApiError error;
  std::optional<rt::Request> request =
      makeRequest(service, {}, prompt->ids, "messages", error);
  if (!request)
    return reply.fail(error);
  request->boundaries = prompt->boundaries;
  request->onlyRead = true;
  rt::RequestUsage usage;
  std::unique_ptr<Answers> answers =
      Answers::submit(service, {std::move(*request)}, /*streams=*/false, error);
  if (!answers || !answers->collect(
                      client,
                      [&](const AnswerPiece &piece) {
                        if (piece.kind == AnswerPiece::Kind::Finished)
                          usage = piece.usage;
                      },
                      error))
    return reply.fail(error);
  Json saved =
      saveConversation(service, name, chat, nullptr, std::move(prompt->ids),
                       std::move(prompt->boundaries));
  if (!saved["saved"].get<bool>())
    return reply.fail(describe(saved["error"].get<std::string>(), 500));
  reply.json({{"id", name},
              {"object", "session"},
              {"tokens", usage.promptTokens},
              {"cached_tokens", usage.reusedTokens},
              {"created", Service::now()}});
}

void server::makeSession(Service &service, const Call &call, Reply &reply) {
  ApiError error;
  std::optional<Json> body = parseBody(call.body, error);
  if (!body || !checkSessions(service, error))
    return reply.fail(error);
  error.message.clear();
  Fields fields(*body, error);
  std::optional<std::string> name = readSessionName(fields, "id"),
                             from = readSessionName(fields, "from");
  if (!name)
    fields.fail("id", "a name");
  rt::ChatRequest chat;
  if (!from)
    readMessages(fields, chat);
  if (!fields.good())
    return reply.fail(error);
  if (!from)
    return saveMessages(service, *name, chat, call.client, reply);
  std::string problem;
  if (!service.loop().forkSession(*from, *name, problem))
    return reply.fail(describe(problem, 400));
  std::optional<rt::KeptSession> kept = service.loop().session(*name, problem);
  reply.json(describe(*name, kept ? kept->ids.size() : 0,
                      kept ? kept->attachment : "", /*withMessages=*/false));
}
