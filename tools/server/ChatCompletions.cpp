//===- ChatCompletions.cpp - /v1/chat/completions -------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/ChatJob.h"
#include "tools/server/Endpoints.h"
#include "tools/server/Stream.h"

using namespace marimba;
using namespace marimba::server;

/// What all objects of one reply begin with.
static Json head(const Service &service, const char *object,
                 const std::string &id, int64_t created) {
  return {{"id", id},
          {"object", object},
          {"created", created},
          {"model", service.model().name()},
          {"system_fingerprint", nullptr}};
}

static Json wholeReply(const Service &service, ChatJob &job) {
  Json reply = head(service, "chat.completion", Service::newId("chatcmpl-"),
                    Service::now());
  Json choices = Json::array();
  for (size_t i = 0; i < job.choices().size(); ++i) {
    const ChatChoice &choice = job.choices()[i];
    Json chances;
    if (job.request().answer.likeliest)
      chances = {{"content", choice.chances}, {"refusal", nullptr}};
    choices.push_back({{"index", i},
                       {"message", messageJson(choice.message)},
                       {"logprobs", std::move(chances)},
                       {"finish_reason", choice.finishReason()}});
  }
  reply["choices"] = std::move(choices);
  reply["usage"] = job.usage();
  if (Json session = job.save(); !session.is_null())
    reply["session"] = std::move(session);
  return reply;
}

/// The delta of an event; null for one that has none.
static Json deltaJson(const rt::AnswerEvent &event) {
  switch (event.kind) {
  case rt::AnswerEvent::Kind::Reasoning:
    return {{"reasoning_content", event.text}};
  case rt::AnswerEvent::Kind::Text:
    return {{"content", event.text}};
  case rt::AnswerEvent::Kind::CallBegun:
    return {{"tool_calls",
             {{{"index", event.call},
               {"id", event.id},
               {"type", "function"},
               {"function", {{"name", event.name}, {"arguments", ""}}}}}}};
  case rt::AnswerEvent::Kind::Arguments:
    return {
        {"tool_calls",
         {{{"index", event.call}, {"function", {{"arguments", event.text}}}}}}};
  case rt::AnswerEvent::Kind::CallEnded:
    break;
  }
  return nullptr;
}

namespace {
/// Writes chunks as they come.
class ChunkWriter : public ChatListener {
public:
  ChunkWriter(const Service &service, ChatJob &job, EventStream &stream)
      : job(job), stream(stream),
        begin(head(service, "chat.completion.chunk",
                   Service::newId("chatcmpl-"), Service::now())) {
    includesUsage = job.request().answer.includesUsage;
    hasChances = job.request().answer.likeliest.has_value();
  }

  bool start() {
    for (size_t i = 0; i < job.choices().size(); ++i)
      if (!write(i, {{"role", "assistant"}, {"content", ""}}, nullptr, nullptr))
        return false;
    return true;
  }
  bool reading(size_t done, size_t total) override {
    return stream.comment("reading " + std::to_string(done) + "/" +
                          std::to_string(total));
  }
  bool waits() override { return stream.comment("waiting"); }
  bool flush() override { return stream.flush(); }
  bool heard(size_t choice, std::vector<rt::AnswerEvent> &events,
             Json *chances) override {
    bool good = true;
    for (const rt::AnswerEvent &event : events)
      if (Json delta = deltaJson(event); !delta.is_null()) {
        good = good && write(choice, std::move(delta), nullptr, chances);
        chances = nullptr;
      }
    if (chances)
      good = good && write(choice, {{"content", ""}}, nullptr, chances);
    return good;
  }
  bool finished(size_t choice) override {
    return write(choice, Json::object(), job.choices()[choice].finishReason(),
                 nullptr);
  }
  bool end() {
    Json chunk = begin;
    chunk["choices"] = Json::array();
    if (includesUsage)
      chunk["usage"] = job.usage();
    Json session = job.save();
    if (!session.is_null())
      chunk["session"] = session;
    if ((includesUsage || !session.is_null()) && !stream.data(chunk))
      return false;
    return stream.line("[DONE]");
  }

private:
  bool write(size_t choice, Json delta, const char *finish, Json *chances) {
    Json logprobs;
    if (hasChances && chances)
      logprobs = {{"content", Json::array({std::move(*chances)})},
                  {"refusal", nullptr}};
    Json chunk = begin;
    chunk["choices"].push_back(
        {{"index", choice},
         {"delta", std::move(delta)},
         {"logprobs", std::move(logprobs)},
         {"finish_reason", finish ? Json(finish) : Json()}});
    if (includesUsage)
      chunk["usage"] = nullptr;
    return stream.data(chunk);
  }

  ChatJob &job;
  EventStream &stream;
  Json begin;
  bool includesUsage, hasChances;
};
} // namespace

void server::chatCompletions(Service &service, const Call &call, Reply &reply) {
  ApiError error;
  std::optional<Json> body = parseBody(call.body, error);
  if (!body)
    return reply.fail(error);
  std::optional<ChatCall> asked =
      parseChatCompletion(*body, service.defaults(), error);
  if (!asked)
    return reply.fail(error);
  bool streams = asked->answer.streams;
  std::shared_ptr<ChatJob> job =
      ChatJob::begin(service, std::move(*asked), error);
  if (!job)
    return reply.fail(error);
  reply.after = [job] { job->readAhead(); };
  if (!streams) {
    ChatListener silent;
    if (!job->run(call.client, silent, error))
      return reply.fail(error);
    return reply.json(wholeReply(service, *job));
  }
  beginEvents(reply,
              [&service, &client = call.client, job](EventStream &stream) {
                ChunkWriter writer(service, *job, stream);
                ApiError error;
                if (!writer.start())
                  return;
                if (job->run(client, writer, error))
                  writer.end();
                else
                  stream.fail(error);
              });
}
