//===- Embeddings.cpp - /v1/embeddings ------------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/CompletionCall.h"
#include "tools/server/Endpoints.h"
#include "tools/server/Requests.h"

#include "marimba/Stopwatch.h"

#include <cstring>
#include <sys/eventfd.h>
#include <unistd.h>

using namespace marimba;
using namespace marimba::server;

/// The bytes of `values`, in little-endian order, in base64.
static std::string base64(std::span<const float> values) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "abcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes(values.size_bytes(), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t three = 0;
    for (size_t i = 0; i < 3; ++i)
      three = three << 8 |
              (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i])
                                     : 0);
    for (size_t i = 0; i < 4; ++i)
      text +=
          at + i <= bytes.size() ? letters[three >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

namespace {
/// A request for vectors.
struct EmbeddingCall {
  std::vector<TextInput> inputs;
  bool asBase64 = false;
  Pooling pooling = Pooling::Mean;
};

/// An event that never comes, to wait for a client only.
struct NoEvent {
  NoEvent() : file(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~NoEvent() { close(file); }
  const int file;
};
} // namespace

static std::optional<EmbeddingCall> parse(const Json &body, int64_t width,
                                          ApiError &error) {
  error = {.message = ""};
  EmbeddingCall call;
  Fields fields(body, error);
  fields.text("model");
  if (width == 0) {
    error = {.status = 501,
             .message = "the model was compiled without its hidden states; "
                        "expected a model directory, served with --embeddings",
             .code = "no_embeddings"};
    return std::nullopt;
  }
  call.inputs = readInputs(fields, "input", kMostPrompts);
  call.asBase64 =
      fields.word("encoding_format", {"float", "base64"}) == "base64";
  if (fields.word("pooling", {"mean", "last"}) == "last")
    call.pooling = Pooling::Last;
  if (std::optional<int64_t> wanted =
          fields.integer("dimensions", 1, INT32_MAX);
      wanted && *wanted != width)
    fields.fail("dimensions", std::to_string(width));
  if (!fields.good())
    return std::nullopt;
  return call;
}

void server::embeddings(Service &service, const Call &call, Reply &reply) {
  ApiError error;
  Embedder &embedder = service.embedder();
  std::optional<Json> body = parseBody(call.body, error);
  std::optional<EmbeddingCall> asked;
  if (body)
    asked = parse(*body, embedder.width(), error);
  if (!asked)
    return reply.fail(error);
  // As many as may wait for answers, and the one that has its turn.
  auto most = static_cast<size_t>(service.options.queue) + 1;
  Embedder::Place place(embedder, most);
  if (!place.isRoom)
    return reply.fail({.status = 429,
                       .message = std::to_string(most) +
                                  " requests for vectors are there already, "
                                  "and no more may be (--queue)",
                       .code = "queue_full"});
  NoEvent none;
  rt::Stopwatch watch;
  ApiError why = {.status = 500, .message = ""};
  auto goOn = [&] {
    if (!call.client.wait(none.file, 0))
      why.message = "the client went away";
    else if (watch.seconds() >= static_cast<double>(service.options.timeout))
      why = {.status = 504,
             .message = "the vectors took longer than " +
                        std::to_string(service.options.timeout) + " seconds",
             .code = "timeout"};
    return why.message.empty();
  };
  Json data = Json::array();
  size_t tokens = 0;
  for (TextInput &input : asked->inputs) {
    if (input.isText) {
      std::optional<std::vector<int32_t>> ids =
          encodeText(service, input.text, true, input.param, error);
      if (!ids)
        return reply.fail(error);
      input.ids = std::move(*ids);
    }
    // Looks at the ids and their number.
    if (!makeRequest(service, {}, input.ids, input.param, error))
      return reply.fail(error);
    std::string problem;
    std::vector<float> vector =
        embedder.embed(input.ids, asked->pooling, goOn, problem);
    if (vector.empty()) {
      if (why.message.empty())
        why.message = problem;
      return reply.fail(why);
    }
    tokens += input.ids.size();
    data.push_back(
        {{"object", "embedding"},
         {"index", data.size()},
         {"embedding", asked->asBase64 ? Json(base64(vector)) : Json(vector)}});
  }
  reply.json(
      {{"object", "list"},
       {"data", std::move(data)},
       {"model", service.model().name()},
       {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}});
}
