//===- Fields.cpp - Members of a request, with their types ----------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/server/Fields.h"

#include "marimba/formats/JsonText.h"
#include "runtime/engine/Text.h"
#include <algorithm>
#include <charconv>

using namespace marimba;
using namespace marimba::server;

std::string server::shortJson(const Json &value) {
  // The library's own cut has a copy of all of it.
  if (value.is_structured())
    return value.is_array() ? "a list" : "an object";
  return rt::printJson(nlohmann::json(value));
}

void server::setError(ApiError &error, std::string param,
                      std::string_view problem, std::string code) {
  error.status = 400;
  error.message = param + ": " + std::string(problem);
  error.param = std::move(param);
  error.code = std::move(code);
}

std::string Fields::path(std::string_view name) const {
  std::string result = place;
  if (!place.empty() && !name.starts_with('['))
    result += '.';
  return result += name;
}

const Json *Fields::find(std::string_view name) const {
  auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

void Fields::fail(std::string_view name, std::string_view expected) {
  if (!good())
    return;
  const Json *found = find(name);
  setError(error, path(name),
           "expected " + std::string(expected) + ", found " +
               (found ? shortJson(*found) : "nothing"),
           found ? "invalid_value" : "missing_required_parameter");
}

const Json *Fields::findObject(std::string_view name) {
  const Json *found = find(name);
  if (found && !found->is_object()) {
    fail(name, "an object");
    return nullptr;
  }
  return found;
}

const Json *Fields::findArray(std::string_view name) {
  const Json *found = find(name);
  if (found && !found->is_array()) {
    fail(name, "a list");
    return nullptr;
  }
  return found;
}

std::optional<std::string> Fields::text(std::string_view name) {
  const Json *found = find(name);
  if (!found)
    return std::nullopt;
  if (!found->is_string()) {
    fail(name, "a text");
    return std::nullopt;
  }
  return found->get<std::string>();
}

std::optional<bool> Fields::flag(std::string_view name) {
  const Json *found = find(name);
  if (!found)
    return std::nullopt;
  if (!found->is_boolean()) {
    fail(name, "true or false");
    return std::nullopt;
  }
  return found->get<bool>();
}

static std::string shortest(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof(digits), value).ptr};
}

std::optional<double> Fields::number(std::string_view name, double least,
                                     double most) {
  const Json *found = find(name);
  if (!found)
    return std::nullopt;
  if (found->is_number())
    if (auto value = found->get<double>(); value >= least && value <= most)
      return value;
  fail(name, "a number from " + shortest(least) + " to " + shortest(most));
  return std::nullopt;
}

std::optional<int64_t> Fields::integer(std::string_view name, int64_t least,
                                       int64_t most) {
  const Json *found = find(name);
  if (!found)
    return std::nullopt;
  if (std::optional<int64_t> value = rt::integerIn(*found, least, most))
    return value;
  fail(name, "an integer from " + std::to_string(least) + " to " +
                 std::to_string(most));
  return std::nullopt;
}

std::vector<std::string> Fields::texts(std::string_view name, size_t most) {
  const Json *found = find(name);
  if (!found)
    return {};
  if (found->is_string())
    return {found->get<std::string>()};
  if (!found->is_array() || found->size() > most ||
      !std::ranges::all_of(*found,
                           [](const Json &item) { return item.is_string(); })) {
    fail(name, "a text, or a list of at most " + std::to_string(most));
    return {};
  }
  return found->get<std::vector<std::string>>();
}

std::optional<std::string>
Fields::word(std::string_view name,
             std::initializer_list<std::string_view> allowed) {
  const Json *found = find(name);
  if (!found)
    return std::nullopt;
  std::string expected;
  for (std::string_view one : allowed) {
    if (found->is_string() && found->get_ref<const std::string &>() == one)
      return std::string(one);
    expected += (expected.empty() ? "\"" : ", \"") + std::string(one) + "\"";
  }
  fail(name, (allowed.size() > 1 ? "one of " : "") + expected);
  return std::nullopt;
}

void Fields::refuse(std::string_view name, std::string_view reason,
                    const std::vector<std::string> &harmless) {
  const Json *found = find(name);
  if (!found || !good() || (found->is_boolean() && !found->get<bool>()) ||
      (found->is_structured() && found->empty()))
    return;
  if (std::ranges::find(harmless, writeJson(*found)) != harmless.end())
    return;
  setError(error, path(name), reason, "unsupported_parameter");
}
