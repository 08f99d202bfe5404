//===- RequestFuzz.cpp - Requests of the server ---------------------------===//
//
// The first byte says for whom the rest is: a header, or a body.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"
#include "tools/server/ChatCall.h"
#include "tools/server/CompletionCall.h"
#include "tools/server/MessagesCall.h"
#include "tools/server/RequestHead.h"
#include "tools/server/ResponsesCall.h"

using namespace marimba;
using namespace marimba::server;

/// An error that a client can read, or none.
static void checkError(bool good, const ApiError &error) {
  fuzz::check(good || !error.message.empty(), "a failure has a message");
  fuzz::check(good || (error.status >= 400 && error.status < 600),
              "a failure has a status");
  if (good)
    return;
  std::string text = error.json();
  fuzz::check(Json::accept(text), "an error is JSON");
}

static void fuzzBody(unsigned kind, std::string_view text) {
  ApiError error;
  std::optional<Json> body = parseBody(text, error);
  checkError(body.has_value(), error);
  if (!body)
    return;
  const rt::GenerationDefaults defaults;
  if (kind % 4 == 0)
    checkError(parseChatCompletion(*body, defaults, error).has_value(), error);
  else if (kind % 4 == 1)
    checkError(parseCompletion(*body, defaults, error).has_value(), error);
  else if (kind % 4 == 2)
    checkError(parseResponse(*body, defaults, error).has_value(), error);
  else
    checkError(
        parseMessages(*body, defaults, /*counts=*/false, error).has_value(),
        error);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  std::string_view text = fuzz::text(data + 1, size - 1);
  unsigned kind = data[0] % 8;
  if (kind >= 4) {
    fuzzBody(kind, text);
    return 0;
  }
  ApiError error;
  std::optional<RequestHead> head = RequestHead::parse(text, error);
  checkError(head.has_value(), error);
  if (!head)
    return 0;
  // What is handed on is a header by the same rules, and says nothing of the
  // body.
  std::optional<RequestHead> again =
      RequestHead::parse(head->text + "\r\n", error);
  fuzz::check(again && again->text == head->text && again->length == 0 &&
                  !again->chunked && !again->waits,
              "a header that was read is one");
  return 0;
}
