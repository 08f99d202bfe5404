//===- Output.h - What commands print and read ------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_COMMANDS_OUTPUT_H
#define MARIMBA_TOOLS_COMMANDS_OUTPUT_H

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace marimba::commands {

/// Writes to stdout: at once to a terminal, else in larger pieces.
void print(std::string_view text);
void flush();
/// What the first failure of that was; none yet. main() says so and returns 1:
/// what is still to be said would be heard by nobody.
std::error_code outputError();
inline bool outputFailed() { return bool(outputError()); }

/// The exit code of a program that prints no more: `code`, or 1, with an error,
/// where stdout could not be written.
int finish(int code);

/// Writes to stderr.
void printError(std::string_view text);

/// Prints `error: <message>` to stderr and returns 1, the exit code for it.
int fail(std::string_view message);

/// Prints `note: <message>` to stderr.
void printNote(const std::string &message);

/// Reads token ids separated by commas or white space. `what` names the source
/// in the error, which is printed; then the result is empty.
std::optional<std::vector<int32_t>> parseIds(std::string_view text,
                                             const std::string &what);

/// Ids for stdout, put between `separator`.
std::string joinIds(std::span<const int32_t> ids, std::string_view separator);

/// The whole of a text as rt::readText() reads it; on failure prints the error.
std::optional<std::string> readFile(const std::string &path);

/// Whether `text`, which messages call `what`, is UTF-8; else prints the error.
bool checkText(std::string_view what, std::string_view text);

} // namespace marimba::commands

#endif // MARIMBA_TOOLS_COMMANDS_OUTPUT_H
