//===- main.cpp - The marimba program -------------------------------------===//
//
// Part of Marimba. Parses the command line and calls the subcommand.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/Driver.h"

#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;

/// Turns what LLVM says of a command line into the one message that all errors
/// have: its first line, without the name of the program.
static int reportUsage(StringRef program, StringRef text) {
  StringRef line = text.split('\n').first;
  line.consume_front(sys::path::filename(program));
  line = line.ltrim(": ").split(".  Try").first.rtrim(": ");
  // LLVM has printed by itself what is wrong with an option's value.
  if (line.empty())
    line = "the command line is not valid";
  return driver::fail(line + "; see marimba --help");
}

int main(int argc, char **argv) {
  driver::Command commands[] = {
      driver::makeRunCommand(),     driver::makeLogitsCommand(),
      driver::makeCompileCommand(), driver::makeEvalCommand(),
      driver::makeInspectCommand(), driver::makeTokenizeCommand(),
  };
  cl::SetVersionPrinter([](raw_ostream &os) { os << "marimba 0.1.0\n"; });
  cl::HideUnrelatedOptions(driver::category());
  for (const driver::Command &command : commands)
    cl::HideUnrelatedOptions(driver::category(), *command.sub);

  constexpr StringRef overview =
      "marimba: compiles Jamba and Mamba models to native code and runs "
      "them.\nMODEL is a directory as downloaded: config.json, safetensors, "
      "tokenizer.json.";
  std::string errors;
  raw_string_ostream errorStream(errors);
  if (!cl::ParseCommandLineOptions(argc, argv, overview, &errorStream,
                                   /*VFS=*/nullptr, /*EnvVar=*/nullptr,
                                   /*LongOptionsUseDoubleDash=*/true))
    return reportUsage(argv[0], errors);
  for (const driver::Command &command : commands) {
    if (!*command.sub)
      continue;
    int code = command.run();
    outs().flush();
    if (std::error_code error = outs().error()) {
      outs().clear_error();
      return driver::fail("stdout: " + error.message());
    }
    return code;
  }
  if (argc > 1)
    return driver::fail("unknown command; `marimba --help` lists them");
  cl::PrintHelpMessage();
  return 1;
}
