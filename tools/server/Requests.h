//===- Requests.h - From what a call says to the model's terms --*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_REQUESTS_H
#define MARIMBA_TOOLS_SERVER_REQUESTS_H

#include "tools/server/AnswerFields.h"
#include "tools/server/Service.h"

#include <optional>
#include <string>
#include <vector>

namespace marimba::server {

/// A request for the continuation of `ids`, for the first choice. Nothing, and
/// `error` about the member `param`, where there are no tokens or too many.
std::optional<rt::Request> makeRequest(const Service &service,
                                       const AnswerFields &fields,
                                       std::vector<int32_t> ids,
                                       const std::string &param,
                                       ApiError &error);

/// Whether a token of this id ends an answer.
bool isEnd(const Service &service, const AnswerFields &fields, int32_t id);

/// The tokens of a text; nothing, and `error` about `param`, on failure.
std::optional<std::vector<int32_t>>
encodeText(const Service &service, std::string_view text, bool addSpecialTokens,
           const std::string &param, ApiError &error);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_REQUESTS_H
