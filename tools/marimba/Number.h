//===- Number.h - Options that take a number --------------------*- C++ -*-===//
//
// Part of Marimba. A number has its bounds where its option is declared: --help
// says them, and what is out of them, or no number, ends the program before a
// command runs.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_MARIMBA_NUMBER_H
#define MARIMBA_TOOLS_MARIMBA_NUMBER_H

#include "tools/commands/Number.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/CommandLine.h"
#include <cstdint>
#include <string>
#include <type_traits>

namespace marimba::driver {

using commands::Bounds;
using commands::kMostTokens;
using commands::parseNumber;

/// What cl::opt gets out of its parser: LLVM keeps its own parsers of numbers
/// closed, so this one is of another type.
template <typename T> struct ParsedNumber {
  T value = T();
  operator T() const { return value; }
};

} // namespace marimba::driver

template <typename T>
class llvm::cl::parser<marimba::driver::ParsedNumber<T>>
    : public basic_parser<marimba::driver::ParsedNumber<T>> {
public:
  using basic_parser<marimba::driver::ParsedNumber<T>>::basic_parser;

  bool parse(Option &option, StringRef name, StringRef text,
             marimba::driver::ParsedNumber<T> &number) {
    std::string problem =
        marimba::driver::parseNumber<T>(text, bounds, number.value);
    return !problem.empty() && option.error(problem, name);
  }
  StringRef getValueName() const override { return "number"; }

  marimba::driver::Bounds<T> bounds{};
};

namespace marimba::driver {

/// An option of a subcommand that takes a number: int, int64_t, unsigned,
/// uint64_t or double.
template <typename T>
struct Number : llvm::cl::opt<T, /*ExternalStorage=*/false,
                              llvm::cl::parser<ParsedNumber<T>>> {
  Number(llvm::cl::SubCommand &sub, llvm::StringRef name,
         llvm::StringRef description, llvm::StringRef value, Bounds<T> bounds,
         T init = T());
  bool given() const { return this->getNumOccurrences() > 0; }

private:
  std::string help; // the option points to it
};

} // namespace marimba::driver

#endif // MARIMBA_TOOLS_MARIMBA_NUMBER_H
