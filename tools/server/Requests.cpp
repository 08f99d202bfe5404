//===- Requests.cpp - From what a call says to the model's terms ----------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Requests.h"

#include <algorithm>

using namespace marimba;
using namespace marimba::server;

bool server::isEnd(const Service &service, const AnswerFields &fields,
                   int32_t id) {
  const std::vector<int32_t> &ends = service.model().endIds();
  return !fields.ignoresEnd && std::ranges::find(ends, id) != ends.end();
}

std::optional<rt::Request> server::makeRequest(const Service &service,
                                               const AnswerFields &fields,
                                               std::vector<int32_t> ids,
                                               const std::string &param,
                                               ApiError &error) {
  auto count = static_cast<int64_t>(ids.size());
  int64_t most = service.options.context;
  if (count == 0) {
    setError(error, param, "gives no tokens");
    return std::nullopt;
  }
  if (count >= most) {
    setError(error, param,
             "has " + std::to_string(count) +
                 " tokens, but prompt and answer "
                 "have at most " +
                 std::to_string(most) + " here (--context)",
             "context_length_exceeded");
    return std::nullopt;
  }
  std::string problem;
  if (!service.model().checkIds(ids, problem)) {
    setError(error, param, problem);
    return std::nullopt;
  }
  rt::Request request;
  request.ids = std::move(ids);
  request.sampler = fields.sampler;
  if (!fields.hasSeed)
    request.sampler.seed = Service::randomSeed();
  request.maxTokens = std::min(
      fields.maxTokens.value_or(service.options.maxTokens), most - count);
  if (!fields.ignoresEnd)
    request.endIds = service.model().endIds();
  request.stops = fields.stops;
  request.likeliest = fields.likeliest;
  return request;
}

std::optional<std::vector<int32_t>> server::encodeText(const Service &service,
                                                       std::string_view text,
                                                       bool addSpecialTokens,
                                                       const std::string &param,
                                                       ApiError &error) {
  std::string problem;
  std::vector<int32_t> ids =
      service.tokenizer().encode(text, addSpecialTokens, &problem);
  if (!problem.empty()) {
    setError(error, param, problem);
    return std::nullopt;
  }
  return ids;
}
