//===- Json.h - JSON of requests and replies --------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_SERVER_JSON_H
#define MARIMBA_TOOLS_SERVER_JSON_H

#include "tools/server/ApiError.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace marimba::server {

/// Keeps the order of names: templates write tools as they came.
using Json = nlohmann::ordered_json;

/// The JSON object that `body` is. Nothing, and `error`, where it is no JSON in
/// UTF-8, no object, nests deeper than 64 levels, or has a name twice or
/// thousands of names in one object.
std::optional<Json> parseBody(std::string_view body, ApiError &error);

/// `value` on one line, with U+FFFD for what is not UTF-8.
std::string writeJson(const Json &value);

} // namespace marimba::server

#endif // MARIMBA_TOOLS_SERVER_JSON_H
