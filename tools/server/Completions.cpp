//===- Completions.cpp - /v1/completions ----------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Answers.h"
#include "tools/server/Chances.h"
#include "tools/server/ChatJob.h"
#include "tools/server/CompletionCall.h"
#include "tools/server/Constraints.h"
#include "tools/server/Endpoints.h"
#include "tools/server/Requests.h"
#include "tools/server/Stream.h"

using namespace marimba;
using namespace marimba::server;

namespace {
/// Texts that are being continued.
class Completion {
public:
  explicit Completion(Service &service, CompletionCall call)
      : service(service), call(std::move(call)),
        begin({{"id", Service::newId("cmpl-")},
               {"object", "text_completion"},
               {"created", Service::now()},
               {"model", service.model().name()}}) {}

  bool submit(ApiError &error);
  bool whole(Client &client, Reply &reply, ApiError &error);
  void stream(Client &client, EventStream &stream);
  bool streams() const { return call.answer.streams; }

private:
  struct Choice {
    std::string text;
    OldChances chances;
    rt::AnswerEnd end = rt::AnswerEnd::Model;
  };
  /// What is new of the choice of a piece.
  std::string take(const AnswerPiece &piece);
  Json choiceJson(size_t index, std::string text, bool ended);
  bool write(const AnswerPiece &piece, EventStream &stream);
  Json usage() const { return usageJson(sum, 0); }

  Service &service;
  CompletionCall call;
  Json begin;
  std::vector<Choice> choices;
  rt::RequestUsage sum;
  std::unique_ptr<Answers> answers;
};
} // namespace

bool Completion::submit(ApiError &error) {
  std::vector<rt::Request> requests;
  ConstraintMaker maker;
  if (!maker.prepare(service, call.form, error))
    return false;
  for (TextInput &prompt : call.prompts) {
    if (prompt.isText) {
      std::optional<std::vector<int32_t>> ids =
          encodeText(service, prompt.text, true, prompt.param, error);
      if (!ids)
        return false;
      prompt.ids = std::move(*ids);
    } else if (call.echoes) {
      prompt.text = service.tokenizer().decode(prompt.ids);
    }
    std::optional<rt::Request> request =
        makeRequest(service, call.answer, prompt.ids, prompt.param, error);
    if (!request)
      return false;
    for (int32_t i = 0; i < call.answer.choices; ++i) {
      requests.push_back(*request);
      requests.back().sampler.seed += requests.size() - 1;
      if (!maker.make(requests.back(), error))
        return false;
      choices.emplace_back();
      if (call.echoes)
        choices.back().text = prompt.text;
    }
  }
  answers =
      Answers::submit(service, std::move(requests), call.answer.streams, error);
  return answers != nullptr;
}

std::string Completion::take(const AnswerPiece &piece) {
  Choice &choice = choices[piece.choice];
  if (piece.kind == AnswerPiece::Kind::Finished) {
    choice.end = piece.end;
    sum.newTokens += piece.usage.newTokens;
    // Of the same prompt only once.
    if (piece.choice % static_cast<size_t>(call.answer.choices) == 0) {
      sum.promptTokens += piece.usage.promptTokens;
      sum.reusedTokens += piece.usage.reusedTokens;
    }
  } else if (piece.kind == AnswerPiece::Kind::Token && call.answer.likeliest &&
             !isEnd(service, call.answer, piece.id)) {
    choice.chances.add(service.tokenizer(), piece);
  }
  return piece.kind == AnswerPiece::Kind::Reading ? "" : piece.text;
}

Json Completion::choiceJson(size_t index, std::string text, bool ended) {
  Choice &choice = choices[index];
  Json chances;
  if (call.answer.likeliest)
    chances = choice.chances.take();
  return {
      {"text", std::move(text)},
      {"index", index},
      {"logprobs", std::move(chances)},
      {"finish_reason",
       !ended ? Json()
              : Json(choice.end == rt::AnswerEnd::Length ? "length" : "stop")}};
}

bool Completion::whole(Client &client, Reply &reply, ApiError &error) {
  auto take = [&](const AnswerPiece &piece) {
    choices[piece.choice].text += this->take(piece);
  };
  if (!answers->collect(client, take, error))
    return false;
  Json result = begin;
  for (size_t i = 0; i < choices.size(); ++i)
    result["choices"].push_back(
        choiceJson(i, std::move(choices[i].text), /*ended=*/true));
  result["usage"] = usage();
  reply.json(result);
  return true;
}

bool Completion::write(const AnswerPiece &piece, EventStream &stream) {
  if (piece.kind == AnswerPiece::Kind::Reading)
    return stream.comment("reading " + std::to_string(piece.done) + "/" +
                          std::to_string(piece.total));
  Choice &choice = choices[piece.choice];
  // What is echoed comes with the first piece.
  std::string text = std::exchange(choice.text, "") + take(piece);
  bool ended = piece.kind == AnswerPiece::Kind::Finished;
  if (text.empty() && choice.chances.empty() && !ended)
    return true;
  Json chunk = begin;
  chunk["choices"] =
      Json::array({choiceJson(piece.choice, std::move(text), ended)});
  if (call.answer.includesUsage)
    chunk["usage"] = nullptr;
  return stream.data(chunk);
}

void Completion::stream(Client &client, EventStream &stream) {
  ApiError error;
  std::vector<AnswerPiece> pieces;
  while (!answers->done()) {
    if (!stream.flush())
      return;
    if (!answers->next(client, Answers::kMostWait, pieces, error)) {
      stream.fail(error);
      return;
    }
    if (pieces.empty() && !stream.comment("waiting"))
      return;
    for (const AnswerPiece &piece : pieces)
      if (!write(piece, stream))
        return;
  }
  if (call.answer.includesUsage) {
    Json chunk = begin;
    chunk["choices"] = Json::array();
    chunk["usage"] = usage();
    if (!stream.data(chunk))
      return;
  }
  stream.line("[DONE]");
}

void server::completions(Service &service, const Call &call, Reply &reply) {
  ApiError error;
  std::optional<Json> body = parseBody(call.body, error);
  if (!body)
    return reply.fail(error);
  std::optional<CompletionCall> asked =
      parseCompletion(*body, service.defaults(), error);
  if (!asked)
    return reply.fail(error);
  auto completion = std::make_shared<Completion>(service, std::move(*asked));
  if (!completion->submit(error))
    return reply.fail(error);
  if (completion->streams())
    return beginEvents(reply,
                       [completion, &client = call.client](EventStream &to) {
                         completion->stream(client, to);
                       });
  if (!completion->whole(call.client, reply, error))
    reply.fail(error);
}
