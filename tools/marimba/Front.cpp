//===- Front.cpp - The marimba program ------------------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

// Runs compiled models by itself, with neither LLVM nor MLIR in the process,
// and becomes the program with the compiler for everything else.

#include "tools/commands/Commands.h"
#include "tools/commands/MemoryEnds.h"
#include "tools/commands/Output.h"
#include "tools/commands/Packages.h"
#include "tools/commands/Process.h"
#include "tools/commands/ServeOptions.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <sys/auxv.h>
#include <unistd.h>

using namespace marimba;
namespace fs = std::filesystem;

/// This program's file.
static fs::path ownPath() {
  std::error_code code;
  fs::path path = fs::read_symlink("/proc/self/exe", code);
  if (!code)
    return path;
  // There may be no /proc: the name by which it was started, through links.
  const auto *started = reinterpret_cast<const char *>(getauxval(AT_EXECFN));
  path = fs::canonical(started ? started : "", code);
  return code ? fs::path() : path;
}

/// Becomes the program `name` beside this one, which is there for `what`. Comes
/// back only with an error.
static int become(const char *name, char **argv, const std::string &problem,
                  const char *what) {
  fs::path own = ownPath();
  if (own.empty())
    return commands::fail(problem + "the folder of this program, where " +
                          name +
                          " is, is not known: expected /proc, or a start by "
                          "the program's path");
  fs::path program = own.parent_path() / name;
  execv(program.c_str(), argv);
  return commands::fail(problem + program.string() + ", which " + what +
                        ", cannot be started: " + std::strerror(errno));
}

/// Becomes the program with the compiler.
static int becomeCompiler(char **argv, const std::string &problem) {
  return become("marimba-compiler", argv, problem,
                "compiles models and knows all commands");
}

/// Whether there is more in the command line than it says: "@FILE" stands for
/// the arguments in a file, which LLVM reads.
static bool namesArguments(std::span<char *const> arguments) {
  return std::ranges::any_of(arguments, [](const char *argument) {
    std::error_code code;
    return argument[0] == '@' && fs::exists(argument + 1, code);
  });
}

namespace {
/// A command, and its options of loading.
struct PackageCommand {
  commands::Command &(*make)();
  bool loads;
};
} // namespace

static commands::Command &serveCommand() {
  return commands::serveOptions().command;
}

int main(int argc, char **argv) {
  constexpr PackageCommand all[] = {{commands::runCommand, true},
                                    {commands::chatCommand, true},
                                    {commands::evalCommand, true},
                                    {serveCommand, true},
                                    {commands::tokenizeCommand, false}};
  for (auto [make, loads] : all) {
    commands::Command &command = make();
    if (argc < 2 || command.name != argv[1])
      continue;
    std::optional<commands::PackageFlags> flags;
    if (loads)
      flags.emplace(command);
    std::span<char *const> arguments(argv + 2, argv + argc);
    if (namesArguments(arguments))
      break;
    std::string problem = commands::parse(command, arguments);
    if (!problem.empty())
      return becomeCompiler(argv, problem + "; ");
    if (command.needsCompiler() || command.model.empty() ||
        !rt::isPackage(command.model))
      break;
    // A program of its own has what a server needs.
    if (!command.run)
      return become("marimba-serve", argv + 1, "", "answers over HTTP");
    commands::prepareProcess();
    commands::reportMemoryEnds();
    commands::PackageModels models(flags ? &*flags : nullptr);
    return commands::finish(command.run(models));
  }
  return becomeCompiler(argv, "");
}
