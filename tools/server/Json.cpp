//===- Json.cpp - JSON of requests and replies ----------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Json.h"

#include "marimba/formats/JsonText.h"

using namespace marimba;
using namespace marimba::server;

std::string_view ApiError::type() const {
  switch (status) {
  case 401:
    return "authentication_error";
  case 403:
    return "permission_error";
  case 404:
    return "not_found_error";
  case 429:
    return "rate_limit_error";
  default:
    return status < 500 ? "invalid_request_error" : "server_error";
  }
}

std::string ApiError::json() const {
  auto orNull = [](const std::string &text) {
    return text.empty() ? Json() : Json(text);
  };
  return writeJson({{"error",
                     {{"message", message},
                      {"type", type()},
                      {"param", orNull(param)},
                      {"code", orNull(code)}}}});
}

/// Objects that keep the order search a name from the first on.
static constexpr size_t kMostNames = 4096;

static bool hasManyNames(const nlohmann::json &value) {
  if (!value.is_structured())
    return false;
  if (value.is_object() && value.size() > kMostNames)
    return true;
  for (const nlohmann::json &item : value)
    if (hasManyNames(item))
      return true;
  return false;
}

std::optional<Json> server::parseBody(std::string_view body, ApiError &error) {
  error = {.message = "", .code = "invalid_json"};
  {
    std::string problem;
    std::optional<nlohmann::json> checked = rt::parseUniqueJson(body, problem);
    if (!checked)
      error.message = "the body: " + problem;
    else if (!checked->is_object())
      error.message = "the body: expected a JSON object, found " +
                      std::string(checked->type_name());
    else if (hasManyNames(*checked))
      error.message = "the body: an object has more than " +
                      std::to_string(kMostNames) + " names";
  }
  if (!error.message.empty())
    return std::nullopt;
  if (body.starts_with("\xef\xbb\xbf"))
    body.remove_prefix(3);
  return rt::parseJsonText<Json>(body);
}

std::string server::writeJson(const Json &value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false,
                    Json::error_handler_t::replace);
}
