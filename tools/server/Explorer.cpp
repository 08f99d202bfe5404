//===- Explorer.cpp - What a model was compiled to ------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Explorer.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

using namespace marimba::server;
using nlohmann::json;

static constexpr std::string_view kRoot = "/explorer/";

static ExplorerAnswer refuse(int status, const std::string &message,
                             const char *parameter = nullptr) {
  json param;
  if (parameter)
    param = parameter;
  return {status, json{{"error",
                        {{"message", message},
                         {"type", "invalid_request_error"},
                         {"param", param},
                         {"code", nullptr}}}}
                      .dump(-1, ' ', false, json::error_handler_t::replace)};
}

static ExplorerAnswer tell(bool there, std::string &json_,
                           const std::string &why) {
  if (there)
    return {200, std::move(json_)};
  return {200, json{{"available", false}, {"because", why}}.dump(
                   -1, ' ', false, json::error_handler_t::replace)};
}

/// A member of `object` that is a number of tokens; false and `problem` where
/// it is something else.
static bool readTokens(const json &object, const char *name, int64_t &tokens,
                       std::string &problem) {
  auto found = object.find(name);
  if (found == object.end())
    return true;
  bool fits = found->is_number_integer();
  int64_t value = fits ? found->get<int64_t>() : 0;
  if (fits && value >= 1 && value <= kMostRooflineTokens) {
    tokens = value;
    return true;
  }
  problem = std::string(name) + ": expected an integer from 1 to " +
            std::to_string(kMostRooflineTokens) + ", found " +
            (fits ? std::to_string(value) : found->type_name());
  return false;
}

static ExplorerAnswer measure(Explorer *explorer, std::string_view body) {
  RooflineRequest request;
  if (!body.empty()) {
    json object = json::parse(body, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object())
      return refuse(400, "the body: expected an object of JSON, or nothing");
    std::string problem;
    if (!readTokens(object, "prompt", request.prompt, problem))
      return refuse(400, problem, "prompt");
    if (!readTokens(object, "decode", request.decode, problem))
      return refuse(400, problem, "decode");
  }
  std::string text, why = "this server has no explorer";
  return tell(explorer && explorer->measureRoofline(request, text, why), text,
              why);
}

ExplorerAnswer marimba::server::explore(Explorer *explorer,
                                        std::string_view method,
                                        std::string_view path,
                                        std::string_view body) {
  std::string_view name = path;
  std::optional<int64_t> stage;
  if (name.starts_with(kRoot))
    name.remove_prefix(kRoot.size());
  constexpr std::string_view stagePrefix = "stage/";
  if (name.starts_with(stagePrefix)) {
    std::string_view digits = name.substr(stagePrefix.size());
    int64_t number = 0;
    auto [end, code] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (code == std::errc() && end == digits.data() + digits.size() &&
        number >= 0)
      stage = number;
  }
  bool isRoofline = name == "roofline";
  if (name != "model" && name != "stages" && name != "memory" && !isRoofline &&
      !stage)
    return refuse(404, std::string(path) +
                           ": expected /explorer/ with model, stages, stage/N, "
                           "roofline or memory");
  if (isRoofline && method == "POST")
    return measure(explorer, body);
  if (method != "GET")
    return refuse(405, std::string(path) + ": expected GET" +
                           (isRoofline ? " or POST" : "") + ", found " +
                           std::string(method));
  std::string text, why = "this server has no explorer";
  bool there = explorer && (stage ? explorer->stage(*stage, text, why)
                            : name == "model"  ? explorer->model(text, why)
                            : name == "stages" ? explorer->stages(text, why)
                            : isRoofline       ? explorer->roofline(text, why)
                                               : explorer->memory(text, why));
  return tell(there, text, why);
}
