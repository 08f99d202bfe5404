//===- Options.h - Options of commands without LLVM -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_OPTIONS_H
#define MARIMBA_TOOLS_COMMANDS_OPTIONS_H

#include "tools/commands/Number.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marimba::commands {

class Models;
class Option;

/// A command of the program: its name, its options, and what runs it. Two
/// programs read its command line: `marimba` by parse(), and the compiler's by
/// LLVM's parser (tools/marimba/EngineCommands.h).
struct Command {
  std::string name, description;
  /// MODEL, the one argument without a name; empty where it is not given.
  std::string model = {};
  std::vector<Option *> options = {};
  /// Returns the exit code of the program.
  int (*run)(Models &models) = nullptr;
  /// Whether what was asked for needs the compiler, whatever the model.
  bool (*needsCompiler)() = [] { return false; };

  /// Whether there is no MODEL: prints the error.
  bool lacksModel() const;
};

/// An option: it adds itself to its command, and must live as long.
class Option {
public:
  /// `value` is what help calls the value; empty where there is none.
  Option(Command &command, std::string name, std::string description,
         std::string value);
  virtual ~Option() = default;
  Option(const Option &) = delete;
  Option &operator=(const Option &) = delete;

  /// Takes a value. What is wrong with it; empty where it is good.
  virtual std::string take(std::string_view text) = 0;
  /// Whether it may be given several times.
  virtual bool repeats() const { return false; }

  /// Whether it was on the command line.
  bool given() const { return count > 0; }

  const std::string name, description, valueName;
  int count = 0;
};

/// Takes a text.
class TextOption : public Option {
public:
  using Option::Option;
  std::string take(std::string_view text) override;
  operator const std::string &() const { return value; }
  operator std::string_view() const { return value; }

  std::string value;
};

/// Takes texts, each time one.
class TextsOption : public Option {
public:
  using Option::Option;
  std::string take(std::string_view text) override;
  bool repeats() const override { return true; }

  std::vector<std::string> values;
};

/// Stands alone.
class Flag : public Option {
public:
  Flag(Command &command, std::string name, std::string description)
      : Option(command, std::move(name), std::move(description), "") {}
  /// The text is empty.
  std::string take(std::string_view text) override;
  operator bool() const { return value; }

  bool value = false;
};

/// Takes a number; help says its bounds.
template <typename T> class NumberOption : public Option {
public:
  NumberOption(Command &command, std::string name, std::string description,
               std::string valueName, Bounds<T> bounds, T usual = T())
      : Option(command, std::move(name), description + "; " + bounds.text(),
               std::move(valueName)),
        value(usual), usual(usual), bounds(bounds) {}
  std::string take(std::string_view text) override {
    return parseNumber(text, bounds, value);
  }
  operator T() const { return value; }

  T value;
  const T usual; // where it is not given

private:
  Bounds<T> bounds;
};

/// Reads the arguments after the command's name: MODEL, --NAME=VALUE,
/// --NAME VALUE, -N VALUE. What is wrong, or is another way to write options;
/// empty where nothing is.
std::string parse(Command &command, std::span<char *const> arguments);

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_OPTIONS_H
