//===- Entries.h - The code of a benchmark's module -------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_BENCH_ENTRIES_H
#define MARIMBA_BENCH_ENTRIES_H

#include "tools/libmarimba/JitCode.h"
#include "tools/measure/Limits.h"

#include "marimba/Context.h"
#include "marimba/PrimitiveCache.h"
#include "marimba/abi.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <type_traits>

namespace marimba::bench {

/// Ends the program with a message.
[[noreturn]] inline void stop(const std::string &error) {
  llvm::errs() << "error: " << error << '\n';
  std::exit(1);
}

struct Entries {
  CodePtr code;
  MarimbaEntry prefill = nullptr, decode = nullptr;
};

/// The code of the module `text`, which has both entries; ends the program
/// where it cannot be compiled.
inline Entries compileEntries(llvm::StringRef text, llvm::StringRef name,
                              const mlir::marimba::PipelineOptions &pipeline,
                              const mlir::marimba::TargetOptions &target = {}) {
  using Entry = std::remove_pointer_t<MarimbaEntry>;
  Entries result;
  std::string error;
  result.code = compileText(text, name, pipeline, target, error);
  if (result.code)
    result.prefill =
        lookupFunction<Entry>(*result.code, MARIMBA_ENTRY_PREFILL, error);
  if (result.prefill)
    result.decode =
        lookupFunction<Entry>(*result.code, MARIMBA_ENTRY_DECODE, error);
  if (!result.decode)
    stop(error);
  return result;
}

/// What the code runs in; ends the program where there is none.
inline std::unique_ptr<rt::Context> contextOf(int threads) {
  std::string error;
  auto context = rt::Context::create(
      threads, std::make_shared<rt::PrimitiveCache>(), error);
  if (!context)
    stop(error);
  return context;
}

/// What the machine can do, measured once for each number of threads.
inline const Limits &limitsOnce(int threads) {
  static std::map<int, Limits> all;
  auto [it, fresh] = all.try_emplace(threads);
  std::string error;
  if (!fresh)
    return it->second;
  auto probes = LimitProbes::create({}, error);
  if (!probes ||
      !probes->measure(static_cast<unsigned>(threads), {}, it->second, error))
    stop(error);
  return it->second;
}

} // namespace marimba::bench

#endif // MARIMBA_BENCH_ENTRIES_H
