//===- main.cpp - The program with the compiler ---------------------------===//
//
// Part of Marimba. Parses the command line and calls the subcommand. `marimba`
// (Front.cpp) becomes this program for all but compiled models.
//
//===----------------------------------------------------------------------===//

#include "tools/commands/MemoryEnds.h"
#include "tools/commands/Output.h"
#include "tools/commands/Process.h"
#include "tools/marimba/Driver.h"
#include "tools/marimba/EngineCommands.h"
#include "tools/marimba/MovedOptions.h"

#include "marimba/ThreadTeam.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Parallel.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <cstdio>
#include <sys/mman.h>
#include <unistd.h>

using namespace marimba;
using namespace llvm;

/// Keeps what is written to stderr while it lives. LLVM prints there, past the
/// stream it is given, what is wrong with the value of an option.
namespace {
class CapturedStderr {
public:
  CapturedStderr()
      : original(dup(STDERR_FILENO)), file(memfd_create("stderr", 0)) {
    // A sandbox may not have it: then a file without a name, or nothing is kept
    // and LLVM's own lines come.
    if (file < 0)
      if (FILE *unnamed = std::tmpfile())
        file = fileno(unnamed);
    if (original >= 0 && file >= 0)
      dup2(file, STDERR_FILENO);
  }

  /// Ends the capture; the text until then.
  std::string take() {
    std::string text;
    if (original < 0 || file < 0)
      return text;
    dup2(original, STDERR_FILENO);
    text.resize(std::max<off_t>(lseek(file, 0, SEEK_END), 0));
    ssize_t count = pread(file, text.data(), text.size(), 0);
    text.resize(std::max<ssize_t>(count, 0));
    close(file);
    close(original);
    return text;
  }

private:
  int original, file;
};
} // namespace

/// What LLVM says of an option's value, in our words.
static std::string plainProblem(StringRef problem) {
  auto [value, kind] = problem.split(" value invalid for ");
  if (!kind.empty())
    return ("expected a number, found " + value).str();
  if (problem.consume_front("Cannot find option named "))
    return ("expected a value that --help lists, found " + problem).str();
  return problem.str();
}

/// Turns what LLVM says of a command line into the one message that all errors
/// have: its first line, without the name of the program.
static int reportUsage(StringRef program, StringRef text) {
  StringRef line = text.split('\n').first;
  line.consume_front(sys::path::filename(program));
  line = line.ltrim(": ").split(".  Try").first.rtrim(":! ");
  if (line.empty())
    line = "the command line is not valid";
  std::string message = line.str();
  // "for the --seed option: ..." is "--seed: ..." with us.
  if (line.consume_front("for the ")) {
    auto [option, problem] = line.split(" option: ");
    message = (option + ": " + plainProblem(problem)).str();
  }
  return driver::fail(message + "; see marimba --help");
}

/// LLVM's streams end the program without exit code or message of ours where
/// they are destroyed with an error.
static void checkStreams() {
  outs().flush();
  errs().clear_error();
  std::error_code code = outs().error();
  outs().clear_error();
  if (!code)
    return;
  std::string text = "error: stdout: " + code.message() + "\n";
  // Who does not read that either finds the exit code.
  if (write(commands::messageDescriptor(), text.data(), text.size())) {
  }
  _exit(1);
}

static void prepareLLVM() {
  // LLVM allocates by malloc where it does not throw. The reasons that it gives
  // have no more to say.
  install_bad_alloc_error_handler(
      [](void *, const char *, bool) { commands::endWithoutMemory(); });
  install_fatal_error_handler(
      [](void *, const char *reason, bool) { commands::endProgram(reason); });
  // Made before, so that they are destroyed after.
  outs();
  errs();
  std::atexit(checkStreams);
}

int main(int argc, char **argv) {
  commands::prepareProcess();
  commands::reportMemoryEnds();
  prepareLLVM();
  // What LLVM does on several threads keeps to what the process may use.
  parallel::strategy =
      hardware_concurrency(static_cast<unsigned>(marimba::rt::allowedCpus()));
  std::vector<driver::Command> all = driver::makeEngineCommands();
  append_values(all, driver::makeLogitsCommand(), driver::makeCompileCommand(),
                driver::makeInspectCommand(), driver::makeBenchCommand(),
                driver::makeExecuteCommand(), driver::makeCacheCommand(),
                driver::makeQuantizeCommand());
  // Names hundreds of passes, so that a command which compiles to run does
  // without.
  for (const driver::Command &command : all)
    if (argc > 1 && StringRef(argv[1]) == "compile" &&
        command.sub->getName() == argv[1])
      driver::addPassManagerOptions(*command.sub);
  cl::SetVersionPrinter([](raw_ostream &os) { os << "marimba 0.1.0\n"; });
  cl::HideUnrelatedOptions(driver::category());
  for (const driver::Command &command : all)
    cl::HideUnrelatedOptions({&driver::category(), &driver::mlirCategory()},
                             *command.sub);

  constexpr StringRef overview =
      "marimba: compiles Jamba, Mamba and related models to native code and "
      "runs them.\nMODEL is a directory as downloaded: config.json, "
      "safetensors, "
      "tokenizer.json or tokenizer.model; or one GGUF file.";
  std::string errors;
  raw_string_ostream errorStream(errors);
  CapturedStderr captured;
  bool parsed = cl::ParseCommandLineOptions(argc, argv, overview, &errorStream,
                                            /*VFS=*/nullptr, /*EnvVar=*/nullptr,
                                            /*LongOptionsUseDoubleDash=*/true);
  std::string printed = captured.take();
  if (!parsed)
    return reportUsage(argv[0], errors.empty() ? printed : errors);
  errs() << printed;
  for (const driver::Command &command : all) {
    if (!*command.sub)
      continue;
    int code = command.run();
    outs().flush();
    if (std::error_code error = outs().error()) {
      outs().clear_error();
      return driver::fail("stdout: " + error.message());
    }
    return commands::finish(code);
  }
  if (argc > 1)
    return driver::fail("unknown command; `marimba --help` lists them");
  cl::PrintHelpMessage();
  return 1;
}
