//===- Options.cpp - Options of commands without LLVM ---------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/Options.h"
#include "tools/commands/Output.h"

#include <algorithm>

namespace marimba::commands {

bool Command::lacksModel() const {
  if (!model.empty())
    return false;
  fail(name + ": expected MODEL, a model directory or a GGUF file");
  return true;
}

Option::Option(Command &command, std::string name, std::string description,
               std::string value)
    : name(std::move(name)), description(std::move(description)),
      valueName(std::move(value)) {
  command.options.push_back(this);
}

std::string TextOption::take(std::string_view text) {
  value = text;
  return {};
}

std::string TextsOption::take(std::string_view text) {
  values.emplace_back(text);
  return {};
}

std::string Flag::take(std::string_view) {
  value = true;
  return {};
}

std::string parse(Command &command, std::span<char *const> arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (argument.empty())
      return "expected MODEL, found an empty argument";
    if (!argument.starts_with("-")) {
      if (!command.model.empty())
        return "expected one MODEL, found '" + std::string(argument) + "', too";
      command.model = argument;
      continue;
    }
    std::string_view name = argument.substr(argument.starts_with("--") ? 2 : 1);
    size_t equals = name.find('=');
    bool joined = equals != name.npos;
    std::string_view value = joined ? name.substr(equals + 1) : "";
    name = name.substr(0, equals);
    auto found = std::ranges::find(command.options, name, &Option::name);
    // A name of one letter has one dash, others have two.
    if (found == command.options.end() ||
        (name.size() == 1) == argument.starts_with("--"))
      return "unknown option '" + std::string(argument) + "'";
    Option &option = **found;
    std::string shown(argument.substr(0, argument.find('=')));
    if (option.given() && !option.repeats())
      return shown + ": expected once";
    ++option.count;
    if (option.valueName.empty()) {
      if (joined)
        return shown + ": expected no value";
    } else if (!joined) {
      if (++i == arguments.size())
        return shown + ": requires a value";
      value = arguments[i];
    }
    if (std::string problem = option.take(value); !problem.empty())
      return shown + ": " + problem;
  }
  return {};
}

} // namespace marimba::commands
