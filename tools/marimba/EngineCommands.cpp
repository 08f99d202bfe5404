//===- EngineCommands.cpp - Commands of tools/commands, by LLVM -----------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/EngineCommands.h"
#include "tools/commands/Commands.h"
#include "tools/marimba/DirectoryModels.h"
#include "tools/server/ServeCommand.h"

using namespace marimba;
using namespace llvm;

namespace marimba::driver {
/// What LLVM's parser hands over, to an option of texts: nothing, for the
/// option of the command takes the text.
struct Taken {
  operator std::string() const { return {}; }
};
} // namespace marimba::driver

template <>
class llvm::cl::parser<marimba::driver::Taken>
    : public basic_parser<marimba::driver::Taken> {
public:
  using basic_parser<marimba::driver::Taken>::basic_parser;

  bool parse(Option &option, StringRef name, StringRef text,
             marimba::driver::Taken &) {
    ++target->count;
    std::string problem = target->take(text);
    return !problem.empty() && option.error(problem, name);
  }

  marimba::commands::Option *target = nullptr;
};

namespace {
/// An option that takes values, as LLVM knows it.
struct ValueProxy : cl::opt<std::string, /*ExternalStorage=*/false,
                            cl::parser<driver::Taken>> {
  ValueProxy(cl::SubCommand &sub, commands::Option &option)
      : opt(StringRef(option.name), cl::desc(option.description),
            cl::value_desc(option.valueName), cl::ValueRequired, cl::sub(sub),
            cl::cat(driver::category())) {
    getParser().target = &option;
    if (option.repeats())
      setNumOccurrencesFlag(cl::ZeroOrMore);
  }
};

struct FlagProxy : cl::opt<bool> {
  FlagProxy(cl::SubCommand &sub, commands::Option &option)
      : opt(StringRef(option.name), cl::desc(option.description), cl::sub(sub),
            cl::cat(driver::category()),
            cl::callback([&option](const bool &value) {
              option.count += value;
              if (value)
                option.take("");
            })) {}
};

/// One of the commands with what LLVM needs of it.
struct EngineCommand {
  EngineCommand(commands::Command &command, bool loads)
      : command(command), sub(command.name, command.description), model(sub) {
    for (commands::Option *option : command.options)
      if (option->valueName.empty())
        options.push_back(std::make_unique<FlagProxy>(sub, *option));
      else
        options.push_back(std::make_unique<ValueProxy>(sub, *option));
    if (loads)
      flags.emplace(sub);
  }

  int run() {
    command.model = model;
    driver::DirectoryModels models(flags ? &*flags : nullptr);
    return command.run(models);
  }

  commands::Command &command;
  cl::SubCommand sub;
  driver::ModelArgument model;
  std::vector<std::unique_ptr<cl::Option>> options;
  std::optional<driver::SessionFlags> flags;
};
} // namespace

/// `make` is one of Commands.h.
template <commands::Command &(*make)(), bool loads>
static EngineCommand &engineCommand() {
  static EngineCommand instance(make(), loads);
  return instance;
}

template <commands::Command &(*make)(), bool loads>
static driver::Command makeCommand() {
  return {&engineCommand<make, loads>().sub,
          [] { return engineCommand<make, loads>().run(); }};
}

std::vector<driver::Command> driver::makeEngineCommands() {
  return {makeCommand<commands::runCommand, true>(),
          makeCommand<commands::chatCommand, true>(),
          makeCommand<commands::evalCommand, true>(),
          makeCommand<server::serveCommand, true>(),
          makeCommand<commands::tokenizeCommand, false>()};
}
