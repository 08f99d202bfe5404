//===- ChatJob.cpp - Messages that are being answered ---------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/ChatJob.h"
#include "tools/server/Constraints.h"
#include "tools/server/Requests.h"
#include "tools/server/Sessions.h"

using namespace marimba;
using namespace marimba::server;

const char *ChatChoice::finishReason() const {
  if (end == rt::AnswerEnd::Length)
    return "length";
  return message.calls.empty() ? "stop" : "tool_calls";
}

Json server::usageJson(const rt::RequestUsage &usage, size_t reasoningTokens) {
  return {
      {"prompt_tokens", usage.promptTokens},
      {"completion_tokens", usage.newTokens},
      {"total_tokens", usage.promptTokens + usage.newTokens},
      {"prompt_tokens_details", {{"cached_tokens", usage.reusedTokens}}},
      {"completion_tokens_details", {{"reasoning_tokens", reasoningTokens}}}};
}

static Json callJson(const rt::AnswerMessage::Call &call) {
  return {{"id", call.id},
          {"type", "function"},
          {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
}

Json server::messageJson(const rt::AnswerMessage &message) {
  Json result = {{"role", "assistant"},
                 {"content", message.text.empty() && !message.calls.empty()
                                 ? Json()
                                 : Json(message.text)},
                 {"refusal", nullptr}};
  if (!message.reasoning.empty())
    result["reasoning_content"] = message.reasoning;
  for (const rt::AnswerMessage::Call &call : message.calls)
    result["tool_calls"].push_back(callJson(call));
  return result;
}

Json ChatJob::usage() const {
  // The prompt is the same for all.
  rt::RequestUsage sum = all.front().usage;
  size_t reasoning = 0;
  sum.newTokens = 0;
  for (const ChatChoice &choice : all) {
    sum.newTokens += choice.usage.newTokens;
    reasoning += choice.reasoningTokens;
  }
  return usageJson(sum, reasoning);
}

/// The member that a message of rt::ChatForm is about: its first word.
static ApiError describeForm(const std::string &problem) {
  std::string param = problem.substr(0, problem.find_first_of(" :"));
  for (const char *known : {"messages", "tools", "tool_choice", "values"})
    if (param.starts_with(known))
      return {.message = problem, .param = param, .code = "invalid_value"};
  return {.message = problem, .param = "messages", .code = "invalid_value"};
}

std::unique_ptr<ChatJob> ChatJob::begin(Service &service, ChatCall call,
                                        ApiError &error) {
  std::unique_ptr<ChatJob> job(new ChatJob(service, std::move(call)));
  std::string problem;
  std::optional<rt::ChatPrompt> prompt =
      service.form().prompt(job->call.chat, problem);
  if (!prompt) {
    error = describeForm(problem);
    return nullptr;
  }
  job->prompt = std::move(*prompt);
  if (!job->call.session.empty() && !checkSessions(service, error))
    return nullptr;
  std::optional<rt::Request> request = makeRequest(
      service, job->call.answer, job->prompt.ids, "messages", error);
  if (!request)
    return nullptr;
  request->boundaries = job->prompt.boundaries;
  request->spoken = service.form().spoken();
  for (std::string &stop : service.form().stops())
    request->stops.push_back(std::move(stop));
  ConstraintMaker maker;
  if (!maker.prepare(service, job->call.form, job->prompt,
                     job->call.parallelCalls, error))
    return nullptr;
  std::vector<rt::Request> requests;
  rt::AnswerParts::Options parts;
  parts.form = service.form().calls();
  parts.tools = job->prompt.tools;
  parts.begunThoughts = job->prompt.begunThoughts;
  parts.thoughtMarks = service.form().thoughtMarks();
  for (int32_t i = 0; i < job->call.answer.choices; ++i) {
    requests.push_back(*request);
    requests.back().sampler.seed += static_cast<uint64_t>(i);
    if (!maker.make(requests.back(), error))
      return nullptr;
    job->all.emplace_back(parts);
  }
  job->answers = Answers::submit(service, std::move(requests),
                                 job->call.answer.streams, error);
  return job->answers ? std::move(job) : nullptr;
}

Json ChatJob::save() {
  if (call.session.empty())
    return nullptr;
  return saveConversation(service, call.session, call.chat,
                          messageJson(all.front().message),
                          std::move(prompt.ids), std::move(prompt.boundaries));
}

void ChatJob::readAhead() {
  // Nobody goes on from several answers, or from one that was not told.
  if (all.size() != 1 || !answers->done() || service.options.cacheBytes == 0)
    return;
  Json answer = messageJson(all.front().message);
  answer.erase("refusal");
  answer.erase("reasoning_content"); // clients seldom send it back
  std::optional<rt::ChatPrompt> next =
      service.form().nextTurn(call.chat, answer);
  if (next && next->ids.size() > all.front().usage.promptTokens &&
      static_cast<int64_t>(next->ids.size()) < service.options.context)
    service.loop().readWhenIdle(std::move(next->ids),
                                std::move(next->boundaries));
}

bool ChatJob::take(AnswerPiece &piece, ChatListener &listener) {
  ChatChoice &choice = all[piece.choice];
  if (piece.kind == AnswerPiece::Kind::Reading)
    return listener.reading(piece.done, piece.total);
  std::vector<rt::AnswerEvent> events;
  choice.parts.push(piece.text, events);
  bool ends = piece.kind == AnswerPiece::Kind::Finished;
  if (ends)
    choice.parts.finish(events);
  for (const rt::AnswerEvent &event : events) {
    choice.message.add(event);
    if (event.kind != rt::AnswerEvent::Kind::Reasoning)
      choice.hasAnswered = true;
  }
  Json entry;
  if (!ends) {
    ++choice.tokens;
    if (!choice.message.reasoning.empty() && !choice.hasAnswered)
      choice.reasoningTokens = choice.tokens;
    if (call.answer.likeliest && !isEnd(service, call.answer, piece.id)) {
      entry = chanceEntry(service.tokenizer(), piece);
      if (!call.answer.streams)
        choice.chances.push_back(entry);
    }
  }
  if ((!events.empty() || !entry.is_null()) &&
      !listener.heard(piece.choice, events, entry.is_null() ? nullptr : &entry))
    return false;
  if (!ends)
    return true;
  choice.end = piece.end;
  choice.usage = piece.usage;
  return listener.finished(piece.choice);
}

bool ChatJob::run(Client &client, ChatListener &listener, ApiError &error) {
  std::vector<AnswerPiece> pieces;
  while (!answers->done()) {
    if (!listener.flush() ||
        !answers->next(client, Answers::kMostWait, pieces, error))
      return false;
    if (pieces.empty() && !listener.waits())
      return false;
    for (AnswerPiece &piece : pieces)
      if (!take(piece, listener))
        return false;
  }
  return true;
}
