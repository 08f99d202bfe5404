//===- Linker.cpp - Object files to shared objects ------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Linker.h"

#include "marimba/abi.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

using namespace marimba;
using namespace llvm;

// Patterns stand for what not every module has: linkers differ in whether a
// name may be missing.
static constexpr StringLiteral kSymbols =
    "{ global: " MARIMBA_SYMBOL_DESCRIPTION "; " MARIMBA_ENTRY_PREFILL
    "; " MARIMBA_ENTRY_DECODE "; " MARIMBA_ENTRY_PREPARE
    "*; " MARIMBA_SYMBOL_PROFILE_REGIONS
    "*; " MARIMBA_SYMBOL_PROFILE_DESCRIPTION "*; " MARIMBA_SYMBOL_TILES
    "*; local: *; };\n";

/// The path of a linker that takes GNU ld's options; empty where there is none.
static std::string findLinker() {
  const std::string names[] = {
      "ld.lld", "ld.lld-" + std::to_string(LLVM_VERSION_MAJOR), "ld"};
  for (const std::string &name : names)
    if (ErrorOr<std::string> path = sys::findProgramByName(name))
      return *path;
  return {};
}

/// What the linker says, on one line.
static std::string firstLine(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> text = MemoryBuffer::getFile(path);
  return text ? (*text)->getBuffer().trim().split('\n').first.str() : "";
}

bool marimba::linkModule(StringRef object, NewDirectory &folder, StringRef name,
                         std::string &error) {
  std::string linker = findLinker();
  if (linker.empty()) {
    error =
        "found no linker for the shared object: expected ld.lld or ld in PATH";
    return false;
  }
  std::string input = folder.pathOf("module.o"),
              symbols = folder.pathOf("module.map"),
              messages = folder.pathOf("linker.txt"),
              output = folder.pathOf(name);
  if (!folder.writeFile("module.o", object, error) ||
      !folder.writeFile("module.map", kSymbols, error))
    return false;
  std::string script = "--version-script=" + symbols;
  StringRef arguments[] = {
      linker, "-shared",     "-Bsymbolic", "-z", "now",  "-z", "relro",
      "-z",   "noexecstack", script,       "-o", output, input};
  std::string problem;
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(messages),
                                          StringRef(messages)};
  int code = sys::ExecuteAndWait(linker, arguments, /*Env=*/std::nullopt,
                                 redirects, /*SecondsToWait=*/0,
                                 /*MemoryLimit=*/0, &problem);
  // It cannot say why where its words found no room either.
  if (code != 0)
    error = output + ": cannot be linked: " + linker + ": " +
            (!problem.empty() ? problem
                              : "ended with " + std::to_string(code) + ": " +
                                    firstLine(messages));
  for (const std::string &file : {input, symbols, messages})
    (void)sys::fs::remove(file);
  return code == 0;
}
