//===- Responses.cpp - /v1/responses --------------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Endpoints.h"
#include "tools/server/ResponseItems.h"
#include "tools/server/ResponsesCall.h"
#include "tools/server/Stream.h"

using namespace marimba;
using namespace marimba::server;

/// What of the request stands in the reply.
static Json echoed(const Json &body, const char *name, Json otherwise) {
  auto found = body.find(name);
  return found == body.end() || found->is_null() ? std::move(otherwise)
                                                 : *found;
}

/// The object of a response that has not begun.
static Json emptyResponse(const Service &service, const Json &body,
                          const ChatCall &call) {
  Json choice = echoed(body, "tool_choice", "auto");
  return {{"id", Service::newId("resp_")},
          {"object", "response"},
          {"created_at", Service::now()},
          {"status", "in_progress"},
          {"error", nullptr},
          {"incomplete_details", nullptr},
          {"instructions", echoed(body, "instructions", nullptr)},
          {"max_output_tokens", echoed(body, "max_output_tokens", nullptr)},
          {"model", service.model().name()},
          {"output", Json::array()},
          {"parallel_tool_calls", call.parallelCalls},
          {"previous_response_id", nullptr},
          {"reasoning", echoed(body, "reasoning",
                               {{"effort", nullptr}, {"summary", nullptr}})},
          {"store", false},
          {"temperature", call.answer.sampler.temperature},
          {"text", echoed(body, "text", {{"format", {{"type", "text"}}}})},
          {"tool_choice", std::move(choice)},
          {"tools", echoed(body, "tools", Json::array())},
          {"top_p", call.answer.sampler.topP},
          {"truncation", "disabled"},
          {"usage", nullptr},
          {"user", echoed(body, "user", nullptr)},
          {"metadata", echoed(body, "metadata", Json::object())}};
}

/// Fills in how it ended.
static void finishResponse(Json &response, const ChatJob &job, Json output) {
  const ChatChoice &choice = job.choices().front();
  bool cut = choice.end == rt::AnswerEnd::Length;
  response["status"] = cut ? "incomplete" : "completed";
  if (cut)
    response["incomplete_details"] = {{"reason", "max_output_tokens"}};
  response["output"] = std::move(output);
  response["usage"] = {
      {"input_tokens", choice.usage.promptTokens},
      {"input_tokens_details", {{"cached_tokens", choice.usage.reusedTokens}}},
      {"output_tokens", choice.usage.newTokens},
      {"output_tokens_details", {{"reasoning_tokens", choice.reasoningTokens}}},
      {"total_tokens", choice.usage.promptTokens + choice.usage.newTokens}};
}

namespace {
/// Writes the events of a response.
class ResponseStream : public ChatListener {
public:
  ResponseStream(EventStream &stream, Json response)
      : stream(stream), response(std::move(response)),
        items([this](const char *type, Json event) {
          return write(type, std::move(event));
        }) {}

  bool start() {
    return write("response.created", {{"response", response}}) &&
           write("response.in_progress", {{"response", response}});
  }
  bool reading(size_t done, size_t total) override {
    return stream.comment("reading " + std::to_string(done) + "/" +
                          std::to_string(total));
  }
  bool waits() override { return stream.comment("waiting"); }
  bool flush() override { return stream.flush(); }
  bool heard(size_t, std::vector<rt::AnswerEvent> &events, Json *) override {
    for (const rt::AnswerEvent &event : events)
      if (!items.add(event))
        return false;
    return true;
  }
  void end(const ChatJob &job) {
    bool cut = job.choices().front().end == rt::AnswerEnd::Length;
    if (!items.finish(cut))
      return;
    finishResponse(response, job, items.output());
    write(cut ? "response.incomplete" : "response.completed",
          {{"response", response}});
  }
  void fail(const ApiError &error) {
    if (error.message.empty())
      return;
    response["status"] = "failed";
    response["error"] = {{"code", "server_error"}, {"message", error.message}};
    write("response.failed", {{"response", response}});
  }

private:
  bool write(const char *type, Json event) {
    Json whole = {{"type", type}, {"sequence_number", number++}};
    whole.update(event);
    return stream.named(type, whole);
  }

  EventStream &stream;
  Json response;
  int64_t number = 0;
  ResponseItems items;
};
} // namespace

void server::responses(Service &service, const Call &call, Reply &reply) {
  ApiError error;
  std::optional<Json> body = parseBody(call.body, error);
  if (!body)
    return reply.fail(error);
  std::optional<ChatCall> asked =
      parseResponse(*body, service.defaults(), error);
  if (!asked)
    return reply.fail(error);
  Json response = emptyResponse(service, *body, *asked);
  bool streams = asked->answer.streams;
  std::shared_ptr<ChatJob> job =
      ChatJob::begin(service, std::move(*asked), error);
  if (!job)
    return reply.fail(error);
  reply.after = [job] { job->readAhead(); };
  if (streams)
    return beginEvents(reply, [job, response = std::move(response),
                               &client = call.client](EventStream &stream) {
      ResponseStream writer(stream, response);
      ApiError error;
      if (!writer.start())
        return;
      if (job->run(client, writer, error))
        writer.end(*job);
      else
        writer.fail(error);
    });
  ResponseItems items([](const char *, Json) { return true; });
  struct Collector : ChatListener {
    explicit Collector(ResponseItems &items) : items(items) {}
    bool heard(size_t, std::vector<rt::AnswerEvent> &events, Json *) override {
      for (const rt::AnswerEvent &event : events)
        items.add(event);
      return true;
    }
    ResponseItems &items;
  } collector(items);
  if (!job->run(call.client, collector, error))
    return reply.fail(error);
  items.finish(job->choices().front().end == rt::AnswerEnd::Length);
  finishResponse(response, *job, items.output());
  reply.json(response);
}
