//===- Tokens.cpp - /tokenize, /detokenize --------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Endpoints.h"
#include "tools/server/Fields.h"
#include "tools/server/Requests.h"

#include "marimba/formats/JsonText.h"

using namespace marimba;
using namespace marimba::server;

void server::tokenize(Service &service, const Call &call, Reply &reply) {
  ApiError error;
  std::optional<Json> body = parseBody(call.body, error);
  if (!body)
    return reply.fail(error);
  error.message.clear();
  Fields fields(*body, error);
  // Others call it by these names.
  const char *name = fields.find("prompt") ? "prompt" : "content";
  std::optional<std::string> text = fields.text(name);
  bool special = fields.flag("add_special_tokens").value_or(true);
  bool pieces = fields.flag("with_pieces").value_or(false);
  if (!text)
    fields.fail(name, "a text");
  if (!fields.good())
    return reply.fail(error);
  std::optional<std::vector<int32_t>> ids =
      encodeText(service, *text, special, name, error);
  if (!ids)
    return reply.fail(error);
  Json answer = {{"tokens", *ids}, {"count", ids->size()}};
  if (pieces)
    for (int32_t id : *ids)
      answer["pieces"].push_back(
          service.tokenizer().idToToken(id).value_or(""));
  reply.json(answer);
}

void server::detokenize(Service &service, const Call &call, Reply &reply) {
  ApiError error;
  std::optional<Json> body = parseBody(call.body, error);
  if (!body)
    return reply.fail(error);
  error.message.clear();
  Fields fields(*body, error);
  const Json *list = fields.findArray("tokens");
  bool special = fields.flag("skip_special_tokens").value_or(false);
  std::vector<int32_t> ids;
  if (list)
    for (const Json &one : *list) {
      std::optional<int64_t> id =
          rt::integerIn(one, 0, service.tokenizer().vocabSize() - 1);
      if (!id) {
        fields.fail("tokens", "ids of the vocabulary");
        break;
      }
      ids.push_back(static_cast<int32_t>(*id));
    }
  else
    fields.fail("tokens", "a list of token ids");
  if (!fields.good())
    return reply.fail(error);
  std::string text = service.tokenizer().decode(ids, special);
  reply.json({{"content", text}, {"text", text}});
}
