//===- ToolChoice.cpp - Functions of a request ----------------------------===//

#include "marimba/ToolCalls.h"

#include "marimba/formats/JsonText.h"

#include <algorithm>

namespace marimba::rt {

using Json = nlohmann::ordered_json;

static std::string shown(const Json &value) {
  return printJson(nlohmann::json(value));
}

/// One of a list. What is wrong with it, from the field on; empty where nothing
/// is.
static std::string readTool(const Json &item, Tool &tool) {
  if (!item.is_object())
    return " is " + shown(item) + ", expected an object";
  if (item.contains("type") && item["type"] != "function")
    return ".type is " + shown(item["type"]) + ", expected \"function\"";
  bool isInner = !item.contains("function");
  const Json &function = isInner ? item : item["function"];
  std::string field = isInner ? "" : ".function";
  if (!function.is_object())
    return field + " is " + shown(function) + ", expected an object";
  if (!function.contains("name"))
    return field + " has no name";
  const Json &name = function["name"];
  if (!name.is_string() || name.get_ref<const std::string &>().empty())
    return field + ".name is " + shown(name) + ", expected a name";
  tool.name = name.get<std::string>();
  // Calls are written in forms where only such names stand for themselves.
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/";
  if (tool.name.find_first_not_of(allowed) != tool.name.npos)
    return field + ".name is " + shown(name) +
           ", expected letters, digits and '_', '-', '.', ':', '/'";
  if (function.contains("parameters"))
    tool.parameters = function["parameters"];
  if (!tool.parameters.is_null() && !tool.parameters.is_object())
    return field + ".parameters is " + shown(tool.parameters) +
           ", expected a JSON schema, an object";
  return {};
}

bool readTools(const Json &tools, std::vector<Tool> &result,
               std::string &error) {
  result.clear();
  if (tools.is_null())
    return true;
  if (!tools.is_array()) {
    error = "tools is " + shown(tools) + ", expected a list";
    return false;
  }
  for (size_t i = 0; i < tools.size(); ++i) {
    std::string place = "tools[" + std::to_string(i) + "]";
    Tool tool;
    std::string problem = readTool(tools[i], tool);
    auto same = [&](const Tool &other) { return other.name == tool.name; };
    if (problem.empty() && std::ranges::any_of(result, same))
      problem = " is called \"" + tool.name + "\" as one before it is";
    if (!problem.empty()) {
      error = place + problem;
      return false;
    }
    result.push_back(std::move(tool));
  }
  return true;
}

bool readToolChoice(const Json &choice, std::span<const Tool> tools,
                    ToolChoice &result, std::string &error) {
  using Kind = ToolChoice::Kind;
  result = {};
  constexpr std::pair<const char *, Kind> words[] = {
      {"none", Kind::None}, {"auto", Kind::Auto}, {"required", Kind::Required}};
  if (choice.is_object()) {
    const Json function = choice.value("function", Json());
    if (choice.value("type", Json("function")) == "function" &&
        function.is_object() && function.value("name", Json()).is_string()) {
      result = {Kind::Named, function["name"].get<std::string>()};
      auto isIt = [&](const Tool &tool) { return tool.name == result.name; };
      if (std::ranges::any_of(tools, isIt))
        return true;
      error = "tool_choice.function.name is \"" + result.name +
              "\", which none of tools is called";
      return false;
    }
  }
  if (choice.is_null())
    return true;
  for (const auto &[word, kind] : words)
    if (choice == word) {
      result.kind = kind;
      if (kind != Kind::Required || !tools.empty())
        return true;
      error = "tool_choice is \"required\", but there are no tools";
      return false;
    }
  error = "tool_choice is " + shown(choice) +
          ", expected \"none\", \"auto\", \"required\" or {\"type\": "
          "\"function\", \"function\": {\"name\": ...}}";
  return false;
}

} // namespace marimba::rt
