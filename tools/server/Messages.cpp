//===- Messages.cpp - Anthropic's /v1/messages ----------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/ChatJob.h"
#include "tools/server/Endpoints.h"
#include "tools/server/MessagesCall.h"
#include "tools/server/Stream.h"

#include "marimba/formats/JsonText.h"

using namespace marimba;
using namespace marimba::server;
using EventKind = rt::AnswerEvent::Kind;

/// An error as Anthropic's clients read it.
static Json errorJson(const ApiError &error) {
  return {{"type", "error"},
          {"error", {{"type", error.type()}, {"message", error.message}}}};
}

static void fail(Reply &reply, const ApiError &error) {
  reply.fail(error);
  reply.json(errorJson(error));
}

static const char *stopReason(const ChatChoice &choice, const ChatJob &job) {
  switch (choice.end) {
  case rt::AnswerEnd::Length:
    return "max_tokens";
  case rt::AnswerEnd::Stop:
    // A template's own stop text is the end of a turn.
    if (!job.request().answer.stops.empty())
      return "stop_sequence";
    [[fallthrough]];
  default:
    return choice.message.calls.empty() ? "end_turn" : "tool_use";
  }
}

/// Which of the texts it was is not told where there are several.
static Json stopSequence(const ChatJob &job) {
  const std::vector<std::string> &stops = job.request().answer.stops;
  return job.choices().front().end == rt::AnswerEnd::Stop && stops.size() == 1
             ? Json(stops.front())
             : Json();
}

static Json usageJson(const rt::RequestUsage &usage) {
  return {{"input_tokens", usage.promptTokens - usage.reusedTokens},
          {"cache_read_input_tokens", usage.reusedTokens},
          {"cache_creation_input_tokens", 0},
          {"output_tokens", usage.newTokens}};
}

static Json emptyMessage(const Service &service) {
  return {{"id", Service::newId("msg_")}, {"type", "message"},
          {"role", "assistant"},          {"model", service.model().name()},
          {"content", Json::array()},     {"stop_reason", nullptr},
          {"stop_sequence", nullptr},     {"usage", usageJson({})}};
}

static Json inputOf(const std::string &arguments) {
  try {
    Json input = rt::parseJsonText<Json>(arguments);
    if (input.is_object())
      return input;
  } catch (const std::exception &) { // an answer that was cut
  }
  return Json::object();
}

static Json wholeMessage(const Service &service, const ChatJob &job) {
  const ChatChoice &choice = job.choices().front();
  Json message = emptyMessage(service);
  Json content = Json::array();
  if (!choice.message.reasoning.empty())
    content.push_back({{"type", "thinking"},
                       {"thinking", choice.message.reasoning},
                       {"signature", ""}});
  if (!choice.message.text.empty())
    content.push_back({{"type", "text"}, {"text", choice.message.text}});
  for (const rt::AnswerMessage::Call &call : choice.message.calls)
    content.push_back({{"type", "tool_use"},
                       {"id", call.id},
                       {"name", call.name},
                       {"input", inputOf(call.arguments)}});
  message["content"] = std::move(content);
  message["stop_reason"] = stopReason(choice, job);
  message["stop_sequence"] = stopSequence(job);
  message["usage"] = usageJson(choice.usage);
  return message;
}

namespace {
/// Writes the events of a message: blocks, one after the other.
class BlockStream : public ChatListener {
public:
  BlockStream(EventStream &stream, const Service &service)
      : stream(stream), service(service) {}

  bool start() {
    return stream.named("message_start", {{"type", "message_start"},
                                          {"message", emptyMessage(service)}});
  }
  bool reading(size_t done, size_t total) override {
    return stream.comment("reading " + std::to_string(done) + "/" +
                          std::to_string(total));
  }
  bool waits() override { return stream.named("ping", {{"type", "ping"}}); }
  bool flush() override { return stream.flush(); }
  bool heard(size_t, std::vector<rt::AnswerEvent> &events, Json *) override {
    for (const rt::AnswerEvent &event : events)
      if (!add(event))
        return false;
    return true;
  }
  void end(const ChatJob &job) {
    const ChatChoice &choice = job.choices().front();
    if (close() && stream.named("message_delta",
                                {{"type", "message_delta"},
                                 {"delta",
                                  {{"stop_reason", stopReason(choice, job)},
                                   {"stop_sequence", stopSequence(job)}}},
                                 {"usage", usageJson(choice.usage)}}))
      stream.named("message_stop", {{"type", "message_stop"}});
  }

private:
  bool add(const rt::AnswerEvent &event);
  bool open(EventKind next, Json block) {
    if (!close())
      return false;
    isOpen = true;
    kind = next;
    return stream.named("content_block_start",
                        {{"type", "content_block_start"},
                         {"index", index},
                         {"content_block", std::move(block)}});
  }
  bool close() {
    if (!isOpen)
      return true;
    isOpen = false;
    return stream.named("content_block_stop",
                        {{"type", "content_block_stop"}, {"index", index++}});
  }
  bool write(Json delta) {
    return stream.named("content_block_delta", {{"type", "content_block_delta"},
                                                {"index", index},
                                                {"delta", std::move(delta)}});
  }

  EventStream &stream;
  const Service &service;
  size_t index = 0;
  bool isOpen = false;
  EventKind kind = EventKind::Text; // of the open block
};
} // namespace

bool BlockStream::add(const rt::AnswerEvent &event) {
  bool goesOn = isOpen && kind == event.kind;
  switch (event.kind) {
  case EventKind::Reasoning:
    if (!goesOn &&
        !open(event.kind,
              {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}}))
      return false;
    return write({{"type", "thinking_delta"}, {"thinking", event.text}});
  case EventKind::Text:
    if (!goesOn && !open(event.kind, {{"type", "text"}, {"text", ""}}))
      return false;
    return write({{"type", "text_delta"}, {"text", event.text}});
  case EventKind::CallBegun:
    return open(event.kind, {{"type", "tool_use"},
                             {"id", event.id},
                             {"name", event.name},
                             {"input", Json::object()}});
  case EventKind::Arguments:
    return write({{"type", "input_json_delta"}, {"partial_json", event.text}});
  case EventKind::CallEnded:
    return close();
  }
  return true;
}

/// What both endpoints begin with; nothing after an error, which is told.
static std::optional<ChatCall> readCall(Service &service, const Call &call,
                                        bool counts, Reply &reply) {
  ApiError error;
  std::optional<Json> body = parseBody(call.body, error);
  std::optional<ChatCall> asked;
  if (body)
    asked = parseMessages(*body, service.defaults(), counts, error);
  if (!asked)
    fail(reply, error);
  return asked;
}

void server::messages(Service &service, const Call &call, Reply &reply) {
  std::optional<ChatCall> asked =
      readCall(service, call, /*counts=*/false, reply);
  if (!asked)
    return;
  ApiError error;
  bool streams = asked->answer.streams;
  std::shared_ptr<ChatJob> job =
      ChatJob::begin(service, std::move(*asked), error);
  if (!job)
    return fail(reply, error);
  reply.after = [job] { job->readAhead(); };
  if (streams)
    return beginEvents(
        reply, [job, &service, &client = call.client](EventStream &stream) {
          BlockStream writer(stream, service);
          ApiError error;
          if (!writer.start())
            return;
          if (job->run(client, writer, error))
            writer.end(*job);
          else if (!error.message.empty())
            stream.named("error", errorJson(error));
        });
  ChatListener silent;
  if (!job->run(call.client, silent, error))
    return fail(reply, error);
  reply.json(wholeMessage(service, *job));
}

void server::countTokens(Service &service, const Call &call, Reply &reply) {
  std::optional<ChatCall> asked =
      readCall(service, call, /*counts=*/true, reply);
  if (!asked)
    return;
  std::string problem;
  std::optional<rt::ChatPrompt> prompt =
      service.form().prompt(asked->chat, problem);
  if (!prompt)
    return fail(reply, {.message = problem});
  reply.json({{"input_tokens", prompt->ids.size()}});
}
