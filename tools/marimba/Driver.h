//===- Driver.h - What the subcommands share --------------------*- C++ -*-===//
//
// Part of Marimba. Every subcommand is one file: it owns its options, which are
// scoped to it, and a function that runs it.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_DRIVER_H
#define MARIMBA_TOOLS_MARIMBA_DRIVER_H

#include "tools/marimba/Number.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/JSON.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace marimba::driver {

/// The options that help shows: ours, not LLVM's.
llvm::cl::OptionCategory &category();

/// A subcommand: its name on the command line and what runs it. `run` returns
/// the exit code of the program.
struct Command {
  llvm::cl::SubCommand *sub;
  int (*run)();
};

/// An option of a subcommand that takes a value.
template <typename T> struct Value : llvm::cl::opt<T> {
  Value(llvm::cl::SubCommand &sub, llvm::StringRef name,
        llvm::StringRef description, llvm::StringRef value, T init = T())
      : llvm::cl::opt<T>(name, llvm::cl::desc(description),
                         llvm::cl::value_desc(value), llvm::cl::init(init),
                         llvm::cl::sub(sub), llvm::cl::cat(category())) {}
  bool given() const { return this->getNumOccurrences() > 0; }
};

/// An option of a subcommand that stands alone.
struct Flag : llvm::cl::opt<bool> {
  Flag(llvm::cl::SubCommand &sub, llvm::StringRef name,
       llvm::StringRef description)
      : llvm::cl::opt<bool>(name, llvm::cl::desc(description),
                            llvm::cl::sub(sub), llvm::cl::cat(category())) {}
};

/// The model directory, which every subcommand takes.
struct ModelArgument : llvm::cl::opt<std::string> {
  explicit ModelArgument(llvm::cl::SubCommand &sub)
      : llvm::cl::opt<std::string>(llvm::cl::Positional,
                                   llvm::cl::desc("MODEL"), llvm::cl::sub(sub)),
        command(sub.getName()) {}

  /// Whether it is not there: prints the error.
  bool missing() const;

private:
  llvm::StringRef command;
};

// Each of these registers the options of its subcommand; main calls it once.
Command makeLogitsCommand();
Command makeCompileCommand();
Command makeExecuteCommand();
Command makeInspectCommand();
Command makeQuantizeCommand();
Command makeBenchCommand();
Command makeCacheCommand();

/// Prints `error: <message>` to stderr and returns 1, the exit code for it.
int fail(const llvm::Twine &message);

/// Prints `note: <message>` to stderr.
void printNote(llvm::StringRef message);

/// Reads token ids separated by commas or white space. `what` names the source
/// in the error, which is printed; then the result is empty.
std::optional<std::vector<int32_t>> parseIds(llvm::StringRef text,
                                             llvm::StringRef what);

/// The whole of a text as rt::readText() reads it; on failure prints the error.
std::optional<std::string> readFile(llvm::StringRef path);

/// Whether `text`, which messages call `what`, is UTF-8; else prints the error.
bool checkText(const llvm::Twine &what, llvm::StringRef text);

/// Makes `data` the file `path`, which appears whole; what is there and is no
/// file, such as a device or a pipe, is written to, and stdout for "-". Returns
/// the exit code.
int writeFile(llvm::StringRef path, llvm::StringRef data);

/// As above for several files: where one of them cannot be written, all stay as
/// they were.
struct NamedOutput {
  std::string path, data;
};
int writeFiles(const std::vector<NamedOutput> &outputs);

/// Whether writing to stdout has failed, as where its reader went away: what is
/// still to be said would be heard by nobody. main() says so and returns 1.
bool outputFailed();

/// Prints a value to stdout, readable by people and by programs. JSON has no
/// NaN and no infinity: such a number becomes null, and a note names it.
void printJson(const llvm::json::Value &value);

/// An array of ids.
llvm::json::Array jsonIds(llvm::ArrayRef<int32_t> ids);

/// Ids for stdout, put between `separator`.
std::string joinIds(llvm::ArrayRef<int32_t> ids, llvm::StringRef separator);

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_DRIVER_H
